/** Targets by value of a claim, as the API has it. */
export type Mapping = Readonly<Record<string, readonly string[]>>

/** Something that a claim can give. Roles have their name for an id. */
export interface Target {
  readonly id: string
  readonly label: string
}

/** The mapping with a value added that gives nothing yet; the same when it is there already. */
export function withValue(mapping: Mapping, value: string): Mapping {
  return Object.hasOwn(mapping, value) ? mapping : { ...mapping, [value]: [] }
}

/** The mapping in the order of its values: stored ones come in no order that means anything. */
export function inOrder(mapping: Mapping): Mapping {
  return Object.fromEntries(Object.entries(mapping).sort(([a], [b]) => a.localeCompare(b)))
}

export function withoutValue(mapping: Mapping, value: string): Mapping {
  return Object.fromEntries(Object.entries(mapping).filter(([one]) => one !== value))
}

export function withTarget(mapping: Mapping, value: string, id: string): Mapping {
  const targets = mapping[value] ?? []
  return targets.includes(id) ? mapping : { ...mapping, [value]: [...targets, id] }
}

export function withoutTarget(mapping: Mapping, value: string, id: string): Mapping {
  return { ...mapping, [value]: (mapping[value] ?? []).filter((one) => one !== id) }
}

/** The mapping as it is sent: lists of its own. */
export function sent(mapping: Mapping): Record<string, string[]> {
  return Object.fromEntries(Object.entries(mapping).map(([value, targets]) => [value, [...targets]]))
}

/** Claims to begin a trial with: the field with the first values of the mapping. */
export function sampleClaims(field: string, mapping: Mapping): string {
  const values = Object.keys(mapping).slice(0, 2)
  return JSON.stringify(
    { [field === '' ? 'groups' : field]: values.length === 0 ? ['example'] : values },
    null,
    2,
  )
}

/** What somebody typed as claims: an object, nothing, or no JSON. */
export function readClaims(
  text: string,
): { readonly ok: true; readonly claims: Record<string, unknown> | undefined } | { readonly ok: false } {
  if (text.trim() === '') return { ok: true, claims: undefined }
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return { ok: false }
    return { ok: true, claims: Object.fromEntries(Object.entries(value)) }
  } catch {
    return { ok: false }
  }
}
