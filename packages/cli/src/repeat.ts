/** For options that may be given several times; an option with `...` would take the arguments behind it, too. */
export function repeat(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value]
}
