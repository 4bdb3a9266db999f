import * as contract from '@slipway/contract'
import { audited } from '../audit/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession, type SessionRequest } from '../edge/index.ts'
import { type KeyValidator, parseUserSearch } from '../identity/index.ts'
import { createOrganization, requireFreeWord } from './create-organization.ts'
import { knownUserId } from './known-user.ts'
import { requireGoodLabels } from './names.ts'
import { presentOrganization } from './present.ts'
import { presentSharing, requestedMode } from './sharing-settings.ts'
import { listUsersForWorkspaces } from './store/members.ts'
import {
  deleteOrganization,
  getOrganization,
  type OrganizationRow,
  updateOrganization,
} from './store/organizations.ts'
import { setSharingMode } from './store/sharing.ts'

/** Making, changing and ending organizations, and how they share workspaces (WS-41…WS-44, WS-50, WS-139). */
export function manageOrganizationRoutes(context: AppContext, keys: KeyValidator): BoundRoute[] {
  const { db } = context.database
  const write = (
    incoming: SessionRequest,
    change: (organization: OrganizationRow) => Promise<void>,
  ): Promise<OrganizationRow> =>
    audited(context, incoming, { type: 'organization', action: 'write' }, async (draft) => {
      const { actor, params } = incoming
      const before = await getOrganization(actor, db, params.organization ?? '')
      draft.before = before
      await change(before)
      // What members may do has changed with it.
      keys.dropAll()
      const after = await getOrganization(actor, db, before.id)
      draft.after = after
      return after
    })

  return [
    forSession(contract.createOrganization, (incoming) =>
      audited(context, incoming, { type: 'organization', action: 'create' }, async (draft) => {
        const organization = await createOrganization(context, incoming.actor, incoming.body)
        draft.after = organization
        keys.drop(incoming.actor.id)
        incoming.reply.code(201)
        return presentOrganization(organization)
      }),
    ),
    forSession(contract.updateOrganization, async (incoming) => {
      const { actor, body } = incoming
      return presentOrganization(
        await write(incoming, async ({ id }) => {
          if (body.name) requireFreeWord(body.name)
          const change = {
            ...body,
            name: body.name || undefined,
            display_name: body.display_name || undefined,
          }
          requireGoodLabels(change)
          await context.database.transaction((tx) => updateOrganization(actor, tx, id, change))
        }),
      )
    }),
    forSession(contract.deleteOrganization, (incoming) =>
      audited(context, incoming, { type: 'organization', action: 'delete' }, async (draft) => {
        const { actor, params } = incoming
        const organization = await getOrganization(actor, db, params.organization ?? '')
        draft.before = organization
        await context.database.transaction((tx) => deleteOrganization(actor, tx, organization.id))
        keys.dropAll()
        return { message: 'Organization has been deleted.' }
      }),
    ),
    forSession(contract.getWorkspaceSharing, async ({ actor, params }) =>
      presentSharing(context, await getOrganization(actor, db, params.organization ?? '')),
    ),
    forSession(contract.updateWorkspaceSharing, async (incoming) => {
      const { actor, body } = incoming
      return presentSharing(
        context,
        await write(incoming, ({ id }) => {
          const mode = requestedMode(body)
          return context.database.transaction((tx) => setSharingMode(actor, tx, id, mode))
        }),
      )
    }),
    forSession(contract.listUsersForWorkspaces, async ({ actor, params, query }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      // Whoever asks need not be a member; the list is the same for all who may have it.
      await knownUserId(context, actor, params.user ?? '')
      const users = await listUsersForWorkspaces(
        actor,
        db,
        organization.id,
        parseUserSearch(query.q ?? ''),
        query,
      )
      return users.map(({ id, username, name, avatar_url }) => ({ id, username, name, avatar_url }))
    }),
  ]
}
