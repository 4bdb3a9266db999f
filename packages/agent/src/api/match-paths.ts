/** How well a path answers to what was typed, the lower the better; undefined when it does not. */
function rank(file: string, typed: string): number | undefined {
  if (typed === '') return 0
  const whole = file.toLowerCase()
  const name = whole.slice(whole.lastIndexOf('/') + 1)
  if (whole === typed || name === typed) return 0
  if (name.startsWith(typed)) return 1
  if (whole.startsWith(typed)) return 2
  if (name.includes(typed)) return 3
  if (whole.includes(typed)) return 4
  let at = 0
  for (const letter of typed) {
    at = whole.indexOf(letter, at) + 1
    if (at === 0) return undefined
  }
  return 5
}

/** The paths that answer best to what was typed: by name, then by path, then by letters in their order; short ones first. */
export function bestMatches(files: readonly string[], query: string, limit: number): readonly string[] {
  const typed = query.toLowerCase().replace(/^(?:\.?\/)+/, '')
  const depth = (file: string) => file.split('/').length
  return files
    .flatMap((file) => {
      const found = rank(file, typed)
      return found === undefined ? [] : [{ file, found }]
    })
    .sort(
      (a, b) =>
        a.found - b.found ||
        depth(a.file) - depth(b.file) ||
        a.file.length - b.file.length ||
        (a.file < b.file ? -1 : 1),
    )
    .slice(0, limit)
    .map(({ file }) => file)
}
