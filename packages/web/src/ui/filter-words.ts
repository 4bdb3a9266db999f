/** The parts of a filter; spaces inside quotes part nothing. */
function partsOf(filter: string): readonly string[] {
  return filter.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? []
}

/** The filter with quotes around its times, which hold colons: written as people write them they would be a fault. */
export function withQuotedTimes(filter: string): string {
  return filter.replace(/(?<=(?:^|\s)-?\w+:)\d{4}-\d\d-\d\dT\d\d:\d\d\S*/gi, (time) => `"${time}"`)
}

/** The value of a key of the filter, without quotes; `undefined` without any. */
export function filterValue(filter: string, key: string): string | undefined {
  const part = partsOf(filter).find((one) => one.toLowerCase().startsWith(`${key}:`))
  return part?.slice(key.length + 1).replaceAll('"', '')
}

/** The filter with another value of the key, or without it. */
export function withFilterValue(filter: string, key: string, value: string | undefined): string {
  const others = partsOf(filter).filter((one) => !one.toLowerCase().startsWith(`${key}:`))
  return [...others, ...(value === undefined || value === '' ? [] : [filterWord(key, value)])].join(' ')
}

/** `key:value` as the server's grammar has it: quoted where it holds a space or a colon. */
export function filterWord(key: string, value: string): string {
  return `${key}:${/[\s:]/.test(value) ? `"${value}"` : value}`
}
