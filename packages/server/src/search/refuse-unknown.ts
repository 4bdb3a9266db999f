import { badRequest } from '../errors/index.ts'

/**
 * Who misspells a parameter must not get an answer to something else (ID-23, WS-193, WS-272).
 *
 * @param known names of parameters.
 * @throws ApiError 400 naming each of the others once.
 */
export function refuseUnknown(search: URLSearchParams, known: readonly string[]): void {
  const unknown = [...new Set(search.keys())].filter((name) => !known.includes(name))
  if (unknown.length > 0)
    throw badRequest('Query parameters have invalid values.', {
      validations: unknown.map((field) => ({
        field,
        detail: `Query param ${JSON.stringify(field)} is not a valid query param`,
      })),
    })
}
