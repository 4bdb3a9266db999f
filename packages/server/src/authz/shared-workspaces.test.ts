import { describe, expect, it } from 'vitest'

import { getUser, getWorkspace, listWorkspaces, removeMember } from '@slipway/contract'
import { fixtures, openDatabase, startTestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

const me = { params: { user: 'me' } }

/** A template that everybody in its organization may use, so that it hides no workspace (WS-307). */
const usable = ({ db }: Database, organization_id: string) =>
  fixtures.template(db, {
    organization_id,
    group_acl: JSON.stringify({ [organization_id]: ['read', 'use'] }),
  })

describe('a workspace that is shared with somebody', () => {
  it.each([
    ['is listed and can be read', {}, null, true],
    ['is out of sight while it is dormant', {}, new Date(), false],
    ['is out of sight where sharing is off', { CODER_DISABLE_WORKSPACE_SHARING: 'true' }, null, false],
  ])('RB-20, RB-25, RB-123: %s', async (_what, env, dormantAt, seen) => {
    await using server = await startTestServer({ env })
    await using database = await openDatabase(server.databaseUrl)
    const member = await server.user('member')
    const user = await member.call(getUser, me)
    const workspace = await fixtures.workspace(database.db, {
      template: await usable(database, user.organization_ids[0] ?? ''),
      user_acl: JSON.stringify({ [user.id]: ['read'] }),
      group_acl: JSON.stringify({ [user.organization_ids[0] ?? '']: ['read'] }),
      dormant_at: dormantAt,
    })
    await fixtures.workspaceBuild(database.db, { workspace })
    expect((await member.call(listWorkspaces)).count).toBe(seen ? 1 : 0)
    const status = await member
      .call(getWorkspace, { params: { workspace: workspace.id } })
      .then(() => 200)
      .catch((error: { readonly status: number }) => error.status)
    expect(status).toBe(seen ? 200 : 404)
  })

  it('L-S6, RB-11: is out of sight for who has left the organization, and for who never was in it', async () => {
    await using server = await startTestServer()
    await using database = await openDatabase(server.databaseUrl)
    const owner = await server.owner()
    const member = await server.user('member')
    const user = await member.call(getUser, me)
    const shared = async (organization: string) =>
      fixtures.workspace(database.db, {
        template: await usable(database, organization),
        user_acl: JSON.stringify({ [user.id]: ['read'] }),
      })
    const own = await shared(user.organization_ids[0] ?? '')
    const foreign = await shared((await fixtures.organization(database.db)).id)
    for (const workspace of [own, foreign]) await fixtures.workspaceBuild(database.db, { workspace })
    expect((await member.call(listWorkspaces)).count).toBe(1)
    await owner.call(removeMember, { params: { organization: 'default', user: 'member' } })
    expect((await member.call(listWorkspaces)).count).toBe(0)
    for (const { id } of [own, foreign])
      await expect(member.call(getWorkspace, { params: { workspace: id } })).rejects.toMatchObject({
        status: 404,
      })
  })
})
