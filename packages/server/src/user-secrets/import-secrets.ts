import type { CreateUserSecretRequest, ImportUserSecretsRequest } from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type Validation, validationFailed } from '../errors/index.ts'
import { createSecrets } from './create-secrets.ts'
import { type Entry, unreadable } from './formats/entry.ts'
import { parseEnv } from './formats/env-format.ts'
import { parseJson } from './formats/json-format.ts'
import { parseYaml } from './formats/yaml-format.ts'
import { MAX_SECRETS } from './room.ts'
import { envNameFault } from './secret-rules.ts'
import type { UserSecretRow } from './store.ts'

/** Bytes of a file of secrets, and of the request that holds it escaped (ID-199). */
const MAX_CONTENT_BYTES = 1024 * 1024
export const IMPORT_BODY_LIMIT = 8 * 1024 * 1024

const PARSERS = { env: parseEnv, json: parseJson, yaml: parseYaml }

/**
 * Makes a secret of each key of a file, all or none (ID-199). Keys that may name a variable become one; others are
 * stored disabled.
 *
 * @throws ApiError 400 for a file that cannot be read; else as createSecrets, with fields named `secrets[i].field`.
 */
export async function importSecrets(
  context: AppContext,
  actor: Actor,
  userId: string,
  { format, content }: ImportUserSecretsRequest,
): Promise<UserSecretRow[]> {
  if (Buffer.byteLength(content) > MAX_CONTENT_BYTES)
    throw unreadable(`must be at most ${MAX_CONTENT_BYTES} bytes (1 MiB)`)
  const entries = PARSERS[format](content.replace(/^\uFEFF/, ''))
  if (entries.length === 0) throw unreadable('holds no secrets')
  if (entries.length > MAX_SECRETS) throw unreadable(`must hold at most ${MAX_SECRETS} secrets`)
  return createSecrets(context, actor, userId, requests(entries), fieldOf)
}

function fieldOf(index: number, field: string): string {
  return `secrets[${index}].${field}`
}

function requests(entries: readonly Entry[]): CreateUserSecretRequest[] {
  const faults: Validation[] = []
  const seen = new Set<string>()
  const made = entries.map(({ key, value }, index) => {
    if (seen.has(key)) faults.push({ field: fieldOf(index, 'name'), detail: 'is in the file twice' })
    seen.add(key)
    if (value === undefined)
      faults.push({ field: fieldOf(index, 'value'), detail: 'must be a text: put it in quotes' })
    const usable = envNameFault(key) === undefined
    return { name: key, value: value ?? '', env_name: usable ? key : '', enabled: usable }
  })
  if (faults.length > 0) throw validationFailed(faults)
  return made
}
