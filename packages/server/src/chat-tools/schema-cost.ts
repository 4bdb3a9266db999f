/** More than a schema needs that people have written. */
const MAX_NODES = 2_000
const MAX_DEPTH = 32
/** Words whose check may take for ever where somebody hostile has chosen them: expressions, and references in circles. */
const DEAR: ReadonlySet<string> = new Set(['pattern', '$ref', '$dynamicRef', '$recursiveRef'])

/**
 * Whether arguments can be checked against a schema in a time that its size and theirs bound. Servers outside write
 * schemas, and so does whatever runs in a workspace; those that are not cheap are left to the servers to check.
 */
export function isCheapSchema(schema: object): boolean {
  let left = MAX_NODES
  const isCheap = (value: unknown, depth: number): boolean => {
    if (typeof value !== 'object' || value === null) return true
    left -= 1
    if (left < 0 || depth > MAX_DEPTH) return false
    return Object.entries(value).every(
      ([word, member]) =>
        // A property that is called like one of the words has a schema for its value.
        !(DEAR.has(word) && typeof member === 'string') &&
        word !== 'patternProperties' &&
        !(word === 'uniqueItems' && member === true) &&
        isCheap(member, depth + 1),
    )
  }
  return isCheap(schema, 0)
}
