import type { Difference, DifferenceSide, RunLabel } from '../../protocol.js';

const side = (name: string, { at, text, statement }: DifferenceSide): string[] => [
  `${name}  ${text === null ? 'no such event' : `event ${at?.event ?? 0}  ${text}`}`,
  ...(statement ? [`   line ${statement.line}: ${statement.text}`] : []),
];

/** A difference for the clipboard. Event numbers are bare there. */
export function differenceText(a: RunLabel, b: RunLabel, { summary, fields, ...sides }: Difference): string {
  const width = Math.max(0, ...fields.map(({ name }) => name.length));
  return [
    summary,
    ...side(`A ${a.title}`, sides.a),
    ...side(`B ${b.title}`, sides.b),
    ...fields.map((field) => `  ${field.name.padEnd(width)}  ${field.a ?? '–'} | ${field.b ?? '–'}`),
  ].join('\n');
}
