import { randomUUID } from 'node:crypto'

import type { CreateUserSecretRequest } from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { validationFailed } from '../errors/index.ts'
import { requireRoom } from './room.ts'
import { sealValue } from './sealed-value.ts'
import { secretFaults } from './secret-rules.ts'
import { holdSecrets, insertSecrets, type UserSecretRow } from './store.ts'

/** How an answer names a field of the secret at an index. */
type NameField = (index: number, field: string) => string

/** Makes one secret (ID-195). @throws ApiError as {@link createSecrets}. */
export async function createSecret(
  context: AppContext,
  actor: Actor,
  userId: string,
  given: CreateUserSecretRequest,
): Promise<UserSecretRow> {
  const [made] = await createSecrets(context, actor, userId, [given], (_index, field) => field)
  if (made === undefined) throw new Error('a secret was stored and not answered')
  return made
}

/**
 * Makes secrets, all or none.
 *
 * @throws ApiError 400 naming every field that breaks a rule, or the limit that they do not fit in; 409 naming every
 * field that another secret holds; 403.
 */
export async function createSecrets(
  context: AppContext,
  actor: Actor,
  userId: string,
  given: readonly CreateUserSecretRequest[],
  fieldOf: NameField,
): Promise<UserSecretRow[]> {
  const secrets = given.map((one) => ({
    id: randomUUID(),
    name: one.name,
    description: one.description ?? '',
    value: one.value,
    envName: one.env_name ?? '',
    filePath: one.file_path ?? '',
    enabled: one.enabled ?? true,
  }))
  const faults = secrets.flatMap((secret, index) =>
    secretFaults(secret).map(({ field, detail }) => ({ field: fieldOf(index, field), detail })),
  )
  if (faults.length > 0) throw validationFailed(faults)
  const sealed = secrets.map(({ value, ...secret }) => ({
    ...secret,
    ...sealValue(context, { id: secret.id, user_id: userId }, value),
  }))
  return context.database.transaction(async (tx) => {
    const others = await holdSecrets(actor, tx, userId, { action: 'create' })
    requireRoom(
      others,
      sealed.map((secret) => ({
        name: secret.name,
        env_name: secret.envName,
        file_path: secret.filePath,
        value_size: secret.valueSize,
      })),
      fieldOf,
    )
    return insertSecrets(actor, tx, userId, sealed)
  })
}
