/** Ids or names by value of a claim. */
export type Mapping = Readonly<Record<string, readonly string[]>>

/** A value of a claim and what it gives. */
export interface MappingPair {
  readonly given: string
  readonly gets: string
}

/** Adds pairs to a mapping, then takes others away; a value that gives nothing any more is not mapped any more. */
export function applyPairs(
  mapping: Mapping,
  add: readonly MappingPair[],
  remove: readonly MappingPair[],
): Record<string, string[]> {
  const sets = new Map(Object.entries(mapping).map(([given, targets]) => [given, new Set(targets)]))
  for (const { given, gets } of add) {
    const targets = sets.get(given)
    if (targets === undefined) sets.set(given, new Set([gets]))
    else targets.add(gets)
  }
  for (const { given, gets } of remove)
    if (sets.get(given)?.delete(gets) && sets.get(given)?.size === 0) sets.delete(given)
  return Object.fromEntries([...sets].map(([given, targets]) => [given, [...targets]]))
}

/** The mapping with each target once, and ids in their one spelling. */
export function tidyMapping(mapping: Mapping, of: 'ids' | 'names'): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(mapping).map(([given, targets]) => [
      given,
      [...new Set(of === 'ids' ? targets.map((id) => id.toLowerCase()) : targets)],
    ]),
  )
}

/** What some value of a claim gives. */
export function allTargets(mapping: Mapping): string[] {
  return [...new Set(Object.values(mapping).flat())]
}

/** What a change of a mapping gives to some value or takes from it. */
export interface MappingChange {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  /** Values that one of the two does not map, and that may be names themselves. */
  readonly keys: readonly string[]
}

/** The difference between two mappings, value by value. */
export function mappingChange(before: Mapping, after: Mapping): MappingChange {
  const [added, removed, keys] = [new Set<string>(), new Set<string>(), new Set<string>()]
  const targetsOf = (mapping: Mapping, given: string): readonly string[] | undefined =>
    Object.hasOwn(mapping, given) ? mapping[given] : undefined
  for (const given of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, fresh] = [targetsOf(before, given), targetsOf(after, given)]
    if (old === undefined || fresh === undefined) keys.add(given)
    for (const target of fresh ?? []) if (old?.includes(target) !== true) added.add(target)
    for (const target of old ?? []) if (fresh?.includes(target) !== true) removed.add(target)
  }
  return { added: [...added], removed: [...removed], keys: [...keys] }
}
