import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { openValue } from './sealed-value.ts'
import { listEnabledSecrets } from './store.ts'

/** A secret in the clear, for the workspaces of its user. */
export interface InjectedSecret {
  readonly name: string
  /** Variable that gets the value as it is, without expansion (AC-112); empty for none. */
  readonly envName: string
  /** File that gets the value, under the home folder when it starts with `~/`; empty for none. */
  readonly filePath: string
  readonly value: string
}

/**
 * The enabled secrets of the owner of a workspace, by name, for the owner's own agents (AC-70).
 *
 * @param agent the caller of an agent's route.
 * @throws ApiError 403 for an agent that its template keeps from its owner's data.
 */
export async function enabledSecretsOf(
  context: Pick<AppContext, 'database' | 'secrets'>,
  agent: { readonly actor: Actor; readonly ownerId: string },
): Promise<InjectedSecret[]> {
  const rows = await listEnabledSecrets(agent.actor, context.database.db, agent.ownerId)
  return rows.map((row) => ({
    name: row.name,
    envName: row.env_name,
    filePath: row.file_path,
    value: openValue(context, row),
  }))
}
