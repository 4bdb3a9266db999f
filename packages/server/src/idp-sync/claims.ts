/** Claims about somebody, merged from all that the provider says at a sign-in (ID-160). */
export type Claims = Readonly<Record<string, unknown>>

/** What a claim says as a list of texts, or why that cannot be told. */
export type ClaimValues =
  | { readonly ok: true; readonly values: readonly string[] }
  | { readonly ok: false; readonly problem: string }

/** More values than this are taken for a mistake of the provider: nobody has so many groups. */
const MAX_VALUES = 5000
/** Longest value that can be mapped or be a name, in characters. */
export const MAX_VALUE_LENGTH = 1024

/**
 * The values of a claim, each once: of a list of texts, or of a single one. A claim that is missing has none, because
 * providers leave out lists that are empty. A dot is a part of the claim's name. What no name can be is passed over.
 */
export function readClaim(claims: Claims, field: string): ClaimValues {
  const claim: unknown = Object.hasOwn(claims, field) ? claims[field] : undefined
  if (claim === undefined || claim === null || claim === '') return { ok: true, values: [] }
  if (typeof claim === 'string')
    return claim.includes(',')
      ? refused('it is one text with commas; let the provider send a list of texts')
      : { ok: true, values: [claim].filter(isUsable) }
  if (!Array.isArray(claim)) return refused(`it is of type ${typeof claim} and not a list of texts`)
  if (claim.length > MAX_VALUES) return refused(`it has more than ${MAX_VALUES} values`)
  const values = new Set<string>()
  for (const value of claim) {
    const item: unknown = value
    if (typeof item !== 'string') return refused(`one of its values is of type ${typeof item} and not a text`)
    if (isUsable(item)) values.add(item)
  }
  return { ok: true, values: [...values] }
}

function refused(problem: string): ClaimValues {
  return { ok: false, problem }
}

/** What a column can hold, and what settings can name. */
function isUsable(value: string): boolean {
  return value !== '' && value.length <= MAX_VALUE_LENGTH && !value.includes('\0') && value.isWellFormed()
}
