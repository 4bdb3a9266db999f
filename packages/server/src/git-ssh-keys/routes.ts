import * as contract from '@slipway/contract'
import { audited } from '../audit/index.ts'
import { authorize } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forAgent, forSession } from '../edge/index.ts'
import { getUser } from '../identity/index.ts'
import { gitSshKeyOf, regenerateGitSshKey } from './git-ssh-key.ts'
import type { GitSshKeyRow } from './store.ts'

/** The SSH key of a user for git (ID §11). */
export function gitSshKeyRoutes(context: AppContext): BoundRoute[] {
  const db = context.database.db
  return [
    forSession(contract.getGitSshKey, async ({ actor, params }) => {
      const user = await getUser(actor, db, params.user ?? '')
      return present((await gitSshKeyOf(context, actor, user.id)).row)
    }),
    forSession(contract.regenerateGitSshKey, (incoming) =>
      audited(context, incoming, { type: 'git_ssh_key', action: 'write' }, async (draft) => {
        const { actor, params } = incoming
        const user = await getUser(actor, db, params.user ?? '')
        draft.before = (await gitSshKeyOf(context, actor, user.id)).row
        draft.after = await regenerateGitSshKey(context, actor, user.id)
        return present(draft.after)
      }),
    ),
    forAgent(contract.getAgentGitSshKey, async ({ agent }) => {
      // What a template withholds from its agents is no secret from them (ID-193).
      authorize(agent.actor, 'read_personal', { type: 'user', id: agent.ownerId, owner: agent.ownerId })
      const { row, privateKey } = await gitSshKeyOf(context, agent.actor, agent.ownerId)
      return { public_key: row.public_key, private_key: privateKey }
    }),
  ]
}

function present(row: GitSshKeyRow): contract.GitSSHKey {
  return {
    user_id: row.user_id,
    public_key: row.public_key,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}
