import * as contract from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { getUser } from '../identity/index.ts'
import { createSecret } from './create-secrets.ts'
import { IMPORT_BODY_LIMIT, importSecrets } from './import-secrets.ts'
import { deleteSecret, getSecret, listSecrets, type UserSecretInfo } from './store.ts'
import { updateSecret } from './update-secret.ts'

/** Secrets that users give to their workspaces: written here, and read by nobody but their own agents (ID-194). */
export function userSecretRoutes(context: AppContext): BoundRoute[] {
  const db = context.database.db
  const ownerOf = async (actor: Actor, { user = '' }: Readonly<Record<string, string>>): Promise<string> =>
    // A key that may do nothing but this need not be allowed to read its user.
    user === 'me' || user === actor.id ? actor.id : (await getUser(actor, db, user)).id

  return [
    forSession(contract.listUserSecrets, async ({ actor, params }) =>
      (await listSecrets(actor, db, await ownerOf(actor, params))).map(present),
    ),
    forSession(contract.createUserSecret, async ({ actor, params, body }) =>
      present(await createSecret(context, actor, await ownerOf(actor, params), body)),
    ),
    forSession(
      contract.importUserSecrets,
      async ({ actor, params, body }) =>
        (await importSecrets(context, actor, await ownerOf(actor, params), body)).map(present),
      { bodyLimit: IMPORT_BODY_LIMIT },
    ),
    forSession(contract.getUserSecret, async ({ actor, params }) =>
      present(await getSecret(actor, db, await ownerOf(actor, params), params.name ?? '')),
    ),
    forSession(contract.updateUserSecret, async ({ actor, params, body }) => {
      const owner = await ownerOf(actor, params)
      return present((await updateSecret(context, actor, owner, params.name ?? '', body)).after)
    }),
    forSession(contract.deleteUserSecret, async ({ actor, params }) => {
      await deleteSecret(actor, db, await ownerOf(actor, params), params.name ?? '')
      return undefined
    }),
  ]
}

function present(row: UserSecretInfo): contract.UserSecret {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    env_name: row.env_name,
    file_path: row.file_path,
    enabled: row.enabled,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}
