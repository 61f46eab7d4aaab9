/** The kernel's functions that the engine models: for whoever asks a replay which of them led to an event. */
export { functionsNamed, kernelName, KERNEL_FUNCTIONS, namesOf, type KernelFunction } from '../engine/kernelFunctions.js';
