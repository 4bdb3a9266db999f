import { createHash, randomUUID } from 'node:crypto'

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import { Client } from '@slipway/client'
import {
  deleteExternalAuth,
  getAgentExternalAuth,
  getChat,
  getChatDiff,
  getUser,
  streamChatGit,
  type WorkspaceAgentGitServerMessage,
} from '@slipway/contract'
import { connectTo, FakeGitProvider, fixtures, until } from '@slipway/testkit'
import { World } from '../../chat-tools/world.fixture.ts'
import type { ChatRow } from '../../chats/index.ts'
import { ExternalAuth } from '../../external-auth/index.ts'
import { DiffStatusRefresh } from './refresh.ts'
import { parseRemote } from './remote.ts'

const steps = new AsyncDisposableStack()
let fake: FakeGitProvider
let world: World
let refresh: DiffStatusRefresh

beforeAll(async () => {
  fake = steps.use(await FakeGitProvider.start())
  world = steps.use(await World.start(fake.settings(0, { TYPE: 'github' })))
  refresh = steps.use(new DiffStatusRefresh(world.context, steps.use(new ExternalAuth(world.context))))
})
afterAll(() => steps.disposeAsync())

const origin = () => `${fake.url}/octo/app.git`
const API = '/repos/octo/app'
const status = async (chat: ChatRow) =>
  (await world.owner.call(getChat, { params: { chat: chat.id } })).diff_status

/** What the host says once about the pull request of a branch. */
function stagePull(more: Readonly<Record<string, unknown>> = {}): void {
  fake.stage(`${API}/pulls`, { status: 200, body: [{ number: 7 }] })
  fake.stage(`${API}/pulls/7`, {
    status: 200,
    body: {
      number: 7,
      html_url: `${fake.url}/octo/app/pull/7`,
      state: 'open',
      title: 'Add the thing',
      draft: false,
      additions: 12,
      deletions: 3,
      changed_files: 2,
      commits: 4,
      user: { login: 'octo', avatar_url: 'https://a/b' },
      base: { ref: 'main' },
      head: { ref: 'feature' },
      ...more,
    },
  })
  fake.stage(`${API}/pulls/7/reviews`, {
    status: 200,
    body: [
      { user: { login: 'a' }, state: 'CHANGES_REQUESTED' },
      { user: { login: 'a' }, state: 'APPROVED' },
      { user: { login: 'b' }, state: 'COMMENTED' },
    ],
  })
}

/** An agent that only exists in the database. */
async function agentOf(): Promise<{ readonly client: Client; readonly workspaceId: string }> {
  const { db } = world.context.database
  const token = randomUUID()
  const workspace = await fixtures.workspace(db, {
    owner_id: world.ownerId,
    organization_id: world.organizationId,
  })
  const build = await fixtures.workspaceBuild(db, { workspace })
  await fixtures.workspaceAgent(db, {
    resource: await fixtures.workspaceResource(db, { build }),
    auth_token_hash: createHash('sha256').update(token).digest(),
  })
  return { client: new Client({ url: world.server.url, token }), workspaceId: workspace.id }
}

const report = (client: Client, more: Readonly<Record<string, string>>) =>
  client.call(getAgentExternalAuth, { query: { match: origin(), ...more } })

describe('the branch of a chat', () => {
  beforeEach(async () => {
    await world.context.database.db.deleteFrom('chat_diff_statuses').execute()
    await world.owner.call(deleteExternalAuth, { params: { externalauth: 'fake' } }).catch(() => undefined)
  })

  it('B-10, CH-1504: is noted for the chat that used git, if it is bound to the workspace, else for all', async () => {
    const agent = await agentOf()
    const [one, two] = [
      await world.chat({ workspace_id: agent.workspaceId }),
      await world.chat({ workspace_id: agent.workspaceId }),
    ]
    const foreign = await world.chat({ workspace_id: (await agentOf()).workspaceId })
    const used = { git_branch: 'feature', git_remote_origin: origin().replace('://', '://me:secret@') }
    await report(agent.client, { ...used, chat_id: one.id })
    await report(agent.client, { ...used, chat_id: foreign.id })
    await report(agent.client, { ...used, chat_id: 'nonsense' })
    expect(await status(one)).toMatchObject({ chat_id: one.id, additions: 0, pull_request_title: '' })
    expect(await status(two)).toBeUndefined()
    expect(await status(foreign)).toBeUndefined()
    expect(await world.owner.call(getChatDiff, { params: { chat: one.id } })).toEqual({
      chat_id: one.id,
      provider: 'github',
      remote_origin: origin(),
      branch: 'feature',
    })
    await report(agent.client, { git_branch: 'main', git_remote_origin: origin() })
    expect((await world.owner.call(getChatDiff, { params: { chat: two.id } })).branch).toBe('main')
    expect(await world.owner.call(getChatDiff, { params: { chat: foreign.id } })).toEqual({
      chat_id: foreign.id,
    })
  })

  it('CH-1504: gets its pull request and its diff with the token of the owner', async () => {
    const agent = await agentOf()
    const chat = await world.chat({ workspace_id: agent.workspaceId })
    const heard: unknown[] = []
    using _subscription = world.context.database.feed.subscribe({
      kinds: new Set(['chat']),
      onEvent: ({ key, data }) => {
        if (key === chat.id) heard.push(data.changed)
      },
      onReset: () => undefined,
    })
    await connectTo(world.owner, fake)
    stagePull()
    await report(agent.client, { git_branch: 'feature', git_remote_origin: origin(), chat_id: chat.id })
    const found = await until('the pull request', async () => {
      await refresh.tick()
      const now = await status(chat)
      return now?.refreshed_at === undefined ? undefined : now
    })
    expect(found).toMatchObject({
      url: `${fake.url}/octo/app/pull/7`,
      pull_request_state: 'open',
      pull_request_title: 'Add the thing',
      pull_request_draft: false,
      changes_requested: false,
      approved: true,
      reviewer_count: 1,
      additions: 12,
      deletions: 3,
      changed_files: 2,
      commits: 4,
      author_login: 'octo',
      base_branch: 'main',
      head_branch: 'feature',
      pr_number: 7,
    })
    const fresh = Date.parse(found.stale_at ?? '') - Date.parse(found.refreshed_at ?? '')
    expect(fresh).toBe(120_000)
    await until('the events', () => heard.flat().filter((one) => one === 'diff_status').length >= 2)
    expect(fake.asked(`${API}/pulls`).at(-1)?.query.get('head')).toBe('octo:feature')
    expect(fake.asked(`${API}/pulls`).at(-1)?.headers.authorization).toBe(
      `Bearer ${fake.accessTokens.at(-1)}`,
    )
    fake.stage(`${API}/pulls/7`, { status: 200, body: 'diff --git a/x b/x\n' })
    expect(await world.owner.call(getChatDiff, { params: { chat: chat.id } })).toMatchObject({
      pull_request_url: `${fake.url}/octo/app/pull/7`,
      diff: 'diff --git a/x b/x\n',
    })
    await report(agent.client, {
      git_branch: 'feature',
      git_remote_origin: `${origin()}-other`,
      chat_id: chat.id,
    })
    // A number of the repository before would be one of something else.
    const elsewhere = await status(chat)
    expect([elsewhere?.pr_number, elsewhere?.pull_request_title]).toEqual([undefined, ''])
    await report(agent.client, { git_branch: 'feature', git_remote_origin: origin(), chat_id: chat.id })
    await world.context.database.db
      .updateTable('chat_diff_statuses')
      .set({ pr_number: 7 })
      .where('chat_id', '=', chat.id)
      .execute()
    fake.stage(`${API}/pulls/7`, { status: 503 })
    await expect(world.owner.call(getChatDiff, { params: { chat: chat.id } })).rejects.toMatchObject({
      status: 502,
    })
  })

  it('CH-1504: without a pull request is looked at again soon, without a token later', async () => {
    const agent = await agentOf()
    const chat = await world.chat({ workspace_id: agent.workspaceId })
    await report(agent.client, { git_branch: 'lonely', git_remote_origin: origin(), chat_id: chat.id })
    const waits = async (): Promise<number> => {
      await refresh.tick()
      return Math.round((Date.parse((await status(chat))?.stale_at ?? '') - Date.now()) / 10_000) * 10
    }
    await until('the look without a token', async () => (await waits()) === 600)
    await connectTo(world.owner, fake)
    fake.stage(`${API}/pulls`, { status: 200, body: [] })
    await report(agent.client, { git_branch: 'lonely', git_remote_origin: origin(), chat_id: chat.id })
    const found = await until('the look with one', async () => {
      await refresh.tick()
      const now = await status(chat)
      return now?.refreshed_at === undefined ? undefined : now
    })
    expect(found.url).toBe(`${fake.url}/octo/app/tree/lonely`)
    expect(Date.parse(found.stale_at ?? '') - Date.parse(found.refreshed_at ?? '')).toBe(15_000)
  })

  it('CH-302: is shown to readers of the chat only', async () => {
    const stranger = await world.server.user('nobody')
    const chat = await world.chat()
    await expect(stranger.call(getChatDiff, { params: { chat: chat.id } })).rejects.toMatchObject({
      status: 404,
    })
  })

  it.each([
    ['https://user:pw@GitHub.com/a/b.git', 'https://github.com/a/b', 'a', 'b'],
    ['git@github.com:a/b.git', 'https://github.com/a/b', 'a', 'b'],
    ['ssh://git@host:2222/group/sub/repo/', 'https://host/group/sub/repo', 'group/sub', 'repo'],
    ['http://127.0.0.1:3/a/b', 'http://127.0.0.1:3/a/b', 'a', 'b'],
  ])('reads the remote %s', (text, url, owner, name) => {
    expect(parseRemote(text)).toMatchObject({ url, owner, name })
  })
  it.each(['/srv/git/x.git', '../x', '', 'https://host/only', 'file:///a/b', 'https://host/a/...git'])(
    '%s is no remote',
    (text) => {
      expect(parseRemote(text)).toBeUndefined()
    },
  )
})

describe('stream/git', () => {
  /** Messages of a stream until `done` says that they are enough. */
  async function watch(
    chat: ChatRow,
    done: (message: WorkspaceAgentGitServerMessage) => boolean,
    act?: (socket: WebSocket) => Promise<void>,
  ): Promise<WorkspaceAgentGitServerMessage> {
    const address = world.owner.address(streamChatGit, { params: { chat: chat.id } }).replace('http', 'ws')
    const socket = new WebSocket(address, { headers: world.owner.headers })
    const messages: WorkspaceAgentGitServerMessage[] = []
    socket.on('message', (data) => messages.push(JSON.parse(String(data))))
    await new Promise((resolve, reject) => {
      socket.once('open', resolve)
      socket.once('error', reject)
    })
    try {
      await until('a first message', () => messages.length > 0)
      await act?.(socket)
      return await until('the message', () => messages.find(done))
    } finally {
      socket.close()
    }
  }

  it('CH-1502: tells what a chat changes in its repositories', async () => {
    const workspace = await world.workspace('git', await world.template('git', 'main'))
    const chat = await world.chat({ workspace_id: workspace.id })
    const run = async (command: string): Promise<string> =>
      Object((await world.call(chat, 'execute', { command, timeout: '30s' })).result).output
    const home = await run('printf %s "$HOME"')
    await run(
      'mkdir work && cd work && git init -q -b trunk && git config user.email a@b && git config user.name a && echo one > file && git add . && git commit -qm one && git remote add origin https://me:secret@example.com/a/b.git && printf "#!/bin/sh\\ntouch ~/pwned" > ~/evil && chmod +x ~/evil && git config core.fsmonitor ~/evil && git config diff.external ~/evil',
    )
    const seen = await watch(
      chat,
      ({ repositories }) => repositories?.some(({ unified_diff }) => unified_diff?.includes('+two')) === true,
      async () => {
        await world.call(chat, 'write_file', { path: `${home}/work/file`, content: 'two\n' })
        await world.call(chat, 'write_file', { path: `${home}/work/new file`, content: 'fresh\n' })
      },
    )
    expect(seen).toMatchObject({ type: 'changes', scanned_at: expect.any(String) })
    const again = await watch(
      chat,
      ({ repositories }) => repositories?.[0]?.unified_diff?.includes('+fresh') === true,
    )
    expect(again.repositories).toEqual([
      {
        repo_root: `${home}/work`,
        branch: 'trunk',
        remote_origin: 'https://example.com/a/b.git',
        unified_diff: expect.stringMatching(/-one\n\+two\n[\s\S]*\+fresh\n/),
      },
    ])
    expect(await run('test -e ~/pwned || echo safe')).toBe('safe\n')
    const child = await world.chat({
      workspace_id: workspace.id,
      parent_chat_id: chat.id,
      root_chat_id: chat.id,
    })
    await world.call(child, 'execute', { command: 'mkdir ~/other && cd ~/other && git init -q -b main' })
    await world.call(child, 'write_file', { path: `${home}/other/by-child`, content: 'x\n' })
    const both = await watch(chat, ({ repositories }) => (repositories?.length ?? 0) === 2)
    expect(both.repositories?.map(({ repo_root }) => repo_root)).toEqual([`${home}/other`, `${home}/work`])
  })

  it('CH-1502, CH-308: refuses in the words that clients look for, and who may not connect', async () => {
    const refused = async (chat: ChatRow, client = world.owner): Promise<string> => {
      const response = await fetch(client.address(streamChatGit, { params: { chat: chat.id } }), {
        headers: client.headers,
      })
      return `${response.status} ${Object(await response.json()).message}`
    }
    const { db } = world.context.database
    expect(await refused(await world.chat())).toBe('400 Chat has no workspace to watch.')
    const bare = await fixtures.workspace(db, {
      owner_id: world.ownerId,
      organization_id: world.organizationId,
    })
    await fixtures.workspaceBuild(db, { workspace: bare })
    const chat = await world.chat({ workspace_id: bare.id })
    expect(await refused(chat)).toBe('400 No eligible agent found for chat workspace.')
    const { workspaceId } = await agentOf()
    expect(await refused(await world.chat({ workspace_id: workspaceId }))).toMatch(/^400 Agent state is /)
    const member = await world.server.user('reader')
    const { id } = await member.call(getUser, { params: { user: 'me' } })
    const shared = await world.chat({
      workspace_id: workspaceId,
      user_acl: JSON.stringify({ [id]: ['read'] }),
    })
    expect(await refused(shared, member)).toBe('400 Chat workspace not found.')
    await db.updateTable('workspaces').set({ deleted: true }).where('id', '=', bare.id).execute()
    expect(await refused(chat)).toBe('400 Chat workspace not found.')
  })

  it('CH-1504: git that asks for a token says on which branch it is used, and for which chat', async () => {
    const workspace = await world.workspace('push', await world.template('push', 'main'))
    const chat = await world.chat({ workspace_id: workspace.id })
    const url = await fake.repository('private', 'README', 'hello')
    await connectTo(world.owner, fake)
    const { result } = await world.call(chat, 'execute', {
      command: `git clone -q ${url} app && cd app && git checkout -q -b feature && git fetch -q && cat README`,
      timeout: '60s',
    })
    expect(result).toMatchObject({ output: 'hello' })
    const row = await until('the report', () =>
      world.context.database.db
        .selectFrom('chat_diff_statuses')
        .selectAll()
        .where('chat_id', '=', chat.id)
        .executeTakeFirst(),
    )
    expect(row).toMatchObject({ git_branch: 'feature', git_remote_origin: url })
  })
})
