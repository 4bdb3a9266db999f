import * as contract from '@slipway/contract'
import { audited, recordChange } from '../audit/index.ts'
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
    forSession(contract.createUserSecret, (incoming) =>
      audited(context, incoming, { type: 'user_secret', action: 'create' }, async (draft) => {
        const { actor, params, body } = incoming
        draft.after = await createSecret(context, actor, await ownerOf(actor, params), body)
        return present(draft.after)
      }),
    ),
    forSession(
      contract.importUserSecrets,
      (incoming) =>
        // Each secret has an entry of its own; this one is for who is refused (RB-130).
        audited(context, incoming, { type: 'user_secret', action: 'create' }, async () => {
          const { actor, params, body } = incoming
          const made = await importSecrets(context, actor, await ownerOf(actor, params), body)
          for (const after of made)
            await recordChange(context, incoming, { type: 'user_secret', action: 'create' }, { after })
          return made.map(present)
        }),
      { bodyLimit: IMPORT_BODY_LIMIT },
    ),
    forSession(contract.getUserSecret, async ({ actor, params }) =>
      present(await getSecret(actor, db, await ownerOf(actor, params), params.name ?? '')),
    ),
    forSession(contract.updateUserSecret, (incoming) =>
      audited(context, incoming, { type: 'user_secret', action: 'write' }, async (draft) => {
        const { actor, params, body } = incoming
        const owner = await ownerOf(actor, params)
        const name = params.name ?? ''
        draft.before = await getSecret(actor, db, owner, name)
        const { before, after } = await updateSecret(context, actor, owner, name, body)
        draft.before = before
        draft.after = after
        return present(after)
      }),
    ),
    forSession(contract.deleteUserSecret, (incoming) =>
      audited(context, incoming, { type: 'user_secret', action: 'delete' }, async (draft) => {
        const { actor, params } = incoming
        const owner = await ownerOf(actor, params)
        const name = params.name ?? ''
        draft.before = await getSecret(actor, db, owner, name)
        draft.before = await deleteSecret(actor, db, owner, name)
        return undefined
      }),
    ),
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
