import type { UpdateUserSecretRequest } from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { badRequest, notFound, validationFailed } from '../errors/index.ts'
import { requireRoom } from './room.ts'
import { sealValue } from './sealed-value.ts'
import { secretFaults } from './secret-rules.ts'
import { getSecret, holdSecrets, updateSecret as storeSecret, type UserSecretRow } from './store.ts'

/** A secret before and after a change. */
export interface SecretChange {
  readonly before: UserSecretRow
  readonly after: UserSecretRow
}

/**
 * Changes what is given of a secret; an empty text clears (ID-198). The rules hold for what comes out, so that one
 * request may put a file in the place of a variable.
 *
 * @throws ApiError 404, 403, 400 for nothing given, for fields that break a rule and for limits, 409 for taken fields.
 */
export async function updateSecret(
  context: AppContext,
  actor: Actor,
  userId: string,
  name: string,
  given: UpdateUserSecretRequest,
): Promise<SecretChange> {
  const { value, description, env_name: envName, file_path: filePath, enabled } = given
  if ([value, description, envName, filePath, enabled].every((field) => field === undefined))
    throw badRequest('Give at least one of value, description, env_name, file_path and enabled.')
  return context.database.transaction(async (tx) => {
    const before = await getSecret(actor, tx, userId, name)
    const held = await holdSecrets(actor, tx, userId, { action: 'update', id: before.id })
    const current = held.find(({ id }) => id === before.id)
    // It was deleted in the meantime.
    if (current === undefined) throw notFound()
    const fields = {
      name,
      value,
      envName: envName ?? current.env_name,
      filePath: filePath ?? current.file_path,
      enabled: enabled ?? current.enabled,
    }
    const faults = secretFaults(fields)
    if (faults.length > 0) throw validationFailed(faults)
    const { sealedValue, valueSize } =
      value === undefined
        ? { sealedValue: undefined, valueSize: current.value_size }
        : sealValue(context, current, value)
    requireRoom(
      held.filter((other) => other !== current),
      [{ name, env_name: fields.envName, file_path: fields.filePath, value_size: valueSize }],
      (_index, field) => field,
    )
    const after = await storeSecret(actor, tx, userId, {
      id: current.id,
      description: description ?? current.description,
      sealedValue,
      valueSize,
      envName: fields.envName,
      filePath: fields.filePath,
      enabled: fields.enabled,
    })
    return { before, after }
  })
}
