import { badRequest, conflict, UNIQUE_DETAIL, type Validation } from '../errors/index.ts'

/** Limits of all secrets of a user together (ID-197). Bytes are those of the values before they are sealed. */
export const MAX_SECRETS = 50
const MAX_TOTAL_BYTES = 200 * 1024
const MAX_ENV_BYTES = 24 * 1024

/** What other secrets of the user must leave room for. */
export interface Occupied {
  readonly name: string
  readonly env_name: string
  readonly file_path: string
  readonly value_size: number
}

const UNIQUE_FIELDS = ['name', 'env_name', 'file_path'] as const

/**
 * Requires that secrets fit beside the others of their user: no name, variable or file twice, and all within the limits.
 *
 * @param fieldOf names a field of the secret at an index in the answer.
 * @throws ApiError 409 naming every field that is taken, 400 naming the limit.
 */
export function requireRoom(
  others: readonly Occupied[],
  fresh: readonly Occupied[],
  fieldOf: (index: number, field: string) => string,
): void {
  const taken: Validation[] = []
  for (const field of UNIQUE_FIELDS) {
    const held = new Set(others.map((other) => other[field]).filter((text) => text !== ''))
    for (const [index, secret] of fresh.entries())
      if (held.has(secret[field])) taken.push({ field: fieldOf(index, field), detail: UNIQUE_DETAIL })
  }
  if (taken.length > 0) throw conflict('Validation failed.', { validations: taken })

  const all = [...others, ...fresh]
  if (all.length > MAX_SECRETS) throw over(`A user may have at most ${MAX_SECRETS} secrets.`)
  if (bytes(all) > MAX_TOTAL_BYTES)
    throw over(`The secrets of a user may hold at most ${MAX_TOTAL_BYTES} bytes (200 KiB) in all.`)
  if (bytes(all.filter((secret) => secret.env_name !== '')) > MAX_ENV_BYTES)
    throw over(
      `The secrets of a user with an env_name may hold at most ${MAX_ENV_BYTES} bytes (24 KiB) in all. Use file_path for large ones.`,
    )
}

function bytes(secrets: readonly Occupied[]): number {
  return secrets.reduce((sum, secret) => sum + secret.value_size, 0)
}

function over(message: string) {
  return badRequest(message, { detail: 'Delete a secret that is not needed any more and try again.' })
}
