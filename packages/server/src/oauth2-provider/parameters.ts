import { invalidOAuthRequest } from '../errors/index.ts'

/** RFC 7636, sections 4.1 and 4.2. */
const VERIFIER = /^[A-Za-z0-9\-._~]{43,128}$/

/** Whether a text can be a code challenge or its verifier (OA-43, §9 row 4). */
export function isVerifier(text: string): boolean {
  return VERIFIER.test(text)
}

/** Longest resource that is asked for, in characters; it is kept with each code and token. */
const MAX_RESOURCE = 1_024

/** Why a text cannot name a resource (RFC 8707; OA-43); undefined for one that can. */
export function resourceFault(resource: string): string | undefined {
  if (resource.length > MAX_RESOURCE) return `must have at most ${MAX_RESOURCE} characters`
  if (!/^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/i.test(resource) || !URL.canParse(resource))
    return 'must be an absolute URI'
  return resource.includes('#') ? 'must not have a fragment' : undefined
}

/** Whether a text can be stored and logged: no NUL and no half of a surrogate pair. */
function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}

/**
 * Parameters of a form, each at most once; empty ones count as absent (RFC 6749, section 3.2).
 *
 * @throws OAuthError 400 `invalid_request` naming one that is given twice.
 */
export class Form {
  readonly #search: URLSearchParams

  constructor(search: URLSearchParams) {
    this.#search = search
  }

  get(name: string): string | undefined {
    const given = this.#search.getAll(name).filter((value) => value !== '')
    if (given.length > 1) throw invalidOAuthRequest(`Parameter provided more than once: ${name}`)
    const [value] = given
    if (value !== undefined && !isStorable(value)) throw invalidOAuthRequest(`Invalid parameter: ${name}`)
    return value
  }

  /** @throws OAuthError 400 `invalid_request` where it is missing. */
  require(name: string): string {
    const value = this.get(name)
    if (value === undefined) throw invalidOAuthRequest(`Missing required parameter: ${name}`)
    return value
  }
}

/** The parameters of a form body; what is no text in UTF-8 is read with replacements, which no check lets pass. */
export function formOf(bytes: Buffer): URLSearchParams {
  return new URLSearchParams(bytes.toString())
}

/** The one value of a query parameter, or what is wrong with it. */
export function single(
  search: URLSearchParams,
  name: string,
): { readonly value: string | undefined; readonly fault: string | undefined } {
  const given = search.getAll(name)
  const [value] = given
  if (given.length > 1) return { value, fault: `Query param "${name}" provided more than once` }
  if (value !== undefined && !isStorable(value))
    return { value, fault: `Query param "${name}" has an invalid value` }
  return { value: value === '' ? undefined : value, fault: undefined }
}
