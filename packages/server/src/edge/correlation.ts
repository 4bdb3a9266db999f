const ID = /^[0-9a-f]{32}$/
const MEMBER = 'client_session_id'

/**
 * The id by which a client ties its requests together (ID-101): a member of the W3C baggage, else a parameter of the
 * query. Anything but 32 lower-case hexadecimal digits is none, so that nothing else gets into the log this way.
 */
export function clientSessionId(
  baggage: string | readonly string[] | undefined,
  search: URLSearchParams,
): string | undefined {
  if (baggage === undefined && search.size === 0) return undefined
  for (const entry of [baggage ?? []].flat().flatMap((line) => line.split(','))) {
    const [pair = ''] = entry.split(';', 1)
    const at = pair.indexOf('=')
    if (at > 0 && pair.slice(0, at).trim() === MEMBER && ID.test(pair.slice(at + 1).trim()))
      return pair.slice(at + 1).trim()
  }
  const given = search.get(MEMBER)
  return given !== null && ID.test(given) ? given : undefined
}
