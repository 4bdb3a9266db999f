const VALUES = new Set(['page', 'limit', 'offset', 'path'])
const COUNTS = new Set(['ids', 'template_ids'])

/**
 * The query parameters that may reach a log: values of paging and path as `query_<name>`, element counts of
 * id lists as `query_<name>_count`. Everything else may carry a token or search text and is left out
 * (ID-112).
 */
export function safeQueryFields(search: string): Record<string, string> {
  const fields: Record<string, string> = {}
  if (search === '' || search === '?') return fields
  for (const [name, value] of new URLSearchParams(search)) {
    const key = name.toLowerCase()
    if (VALUES.has(key)) fields[`query_${key}`] = value.slice(0, 256)
    else if (COUNTS.has(key)) {
      const before = Number(fields[`query_${key}_count`] ?? 0)
      fields[`query_${key}_count`] = String(before + (value === '' ? 0 : value.split(',').length))
    }
  }
  return fields
}
