import { execFile } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  createWorkspace,
  deleteExternalAuth,
  getAgentExternalAuth,
  getAgentGitAuth,
  getUser,
  getWorkspace,
  type Workspace,
} from '@slipway/contract'
import {
  connectTo,
  FakeGitProvider,
  fixtures,
  importTemplate,
  openDatabase,
  startTestServer,
  type TestServer,
  until,
} from '@slipway/testkit'

const run = promisify(execFile)
const SLIPWAY = fileURLToPath(new URL('../../../cli/bin/slipway.js', import.meta.url))
const SOURCE = `import { defineTemplate, local } from '@slipway/template'
export default defineTemplate({
  externalAuth: [{ id: 'fake', optional: true }],
  workspace: ({ externalAuth }) => ({
    runtime: local(),
    agents: [{ name: 'main', env: { FAKE_TOKEN: externalAuth.fake ?? 'none' } }],
  }),
})`

let fake: FakeGitProvider
let server: TestServer
let owner: Client

beforeAll(async () => {
  fake = await FakeGitProvider.start()
  server = await startTestServer({
    env: {
      ...fake.settings(0, { EXTRA_TOKEN_KEYS: 'team' }),
      ...fake.settings(1, { ID: 'gitlab', TYPE: 'gitlab', REGEX: '^https://gitlab.example(/.*)?$' }),
      ...fake.settings(2, { ID: 'bucket', TYPE: 'bitbucket-server', REGEX: '^https://bucket.example' }),
      ...fake.settings(3, { ID: 'mirror' }),
      CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
    },
  })
  owner = await server.owner()
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await fake[Symbol.asyncDispose]()
})

const forget = (id: string) =>
  owner.call(deleteExternalAuth, { params: { externalauth: id } }).catch(() => undefined)

describe('the API of agents', () => {
  /** An agent of the owner's that only exists in the database; `providers` is what its template asks for. */
  async function agent({ providers = '[]', scope = 'all' as 'all' | 'no_user_data' } = {}): Promise<Client> {
    await using database = await openDatabase(server.databaseUrl)
    const { db } = database
    const { id, organization_ids } = await owner.call(getUser, { params: { user: 'me' } })
    const organization_id = organization_ids[0] ?? ''
    const template = await fixtures.template(db, { organization_id })
    const version = await fixtures.templateVersion(db, {
      template,
      organization_id,
      external_auth_providers: providers,
    })
    const workspace = await fixtures.workspace(db, { owner_id: id, organization_id, template })
    const build = await fixtures.workspaceBuild(db, { workspace, version })
    const token = randomUUID()
    await fixtures.workspaceAgent(db, {
      resource: await fixtures.workspaceResource(db, { build }),
      auth_token_hash: createHash('sha256').update(token).digest(),
      api_key_scope: scope,
    })
    return new Client({ url: server.url, token })
  }
  const ask = (client: Client, query: object) => client.call(getAgentExternalAuth, { query })
  const remote = () => `${fake.url}/repos/x.git`

  beforeEach(async () => {
    for (const id of ['fake', 'gitlab', 'bucket', 'mirror']) await forget(id)
    fake.extra = {}
    fake.lifetime = undefined
  })

  it('ID-192: without a connection the page to connect on is answered, with one a token', async () => {
    const client = await agent()
    expect(await ask(client, { id: 'fake' })).toEqual({
      access_token: '',
      token_extra: {},
      url: `${server.url}/external-auth/fake`,
      type: 'fake',
      username: '',
      password: '',
    })
    fake.extra = { team: { id: 'T1' }, secret: 'x' }
    fake.lifetime = 3_600
    await connectTo(owner, fake)
    const answer = await ask(client, { id: 'fake' })
    expect(answer).toMatchObject({ url: '', type: 'fake', password: '', token_extra: { team: { id: 'T1' } } })
    expect(answer.access_token).toMatch(/^access-/)
    expect(answer.username).toBe(answer.access_token)
    expect(new Date(answer.expires_at ?? 0).getTime()).toBeGreaterThan(Date.now())
    expect(await client.call(getAgentGitAuth, { query: { id: 'fake' } })).toEqual(answer)
  })

  it('ID-192: exactly one of id and match is given', async () => {
    const client = await agent()
    for (const query of [{}, { id: 'fake', match: 'x' }, { id: '' }])
      await expect(ask(client, query)).rejects.toMatchObject({ status: 400 })
    await expect(ask(client, { id: 'nothing' })).rejects.toMatchObject({ status: 404 })
    await expect(ask(client, { match: 'https://nowhere.example' })).rejects.toMatchObject({ status: 404 })
    await expect(ask(owner, { id: 'fake' })).rejects.toMatchObject({ status: 401 })
  })

  it.each([
    ['gitlab', 'https://gitlab.example/a/b.git', 'oauth2'],
    ['bucket', 'https://bucket.example/a/b.git', 'x-token-auth'],
  ])('ID-192: git gets the credentials that %s wants', async (id, match, username) => {
    await connectTo(owner, fake, { id })
    const answer = await ask(await agent(), { match })
    expect(answer).toMatchObject({ username, password: answer.access_token })
  })

  it('ID-192: what the template asks for comes first', async () => {
    await connectTo(owner, fake, { id: 'mirror' })
    const declared = await agent({ providers: JSON.stringify([{ id: 'mirror' }]) })
    expect((await ask(declared, { match: remote() })).access_token).toMatch(/^access-/)
    expect((await ask(await agent(), { match: remote() })).url).toBe(`${server.url}/external-auth/fake`)
  })

  it('ID-192: several that match are named and not guessed from', async () => {
    const client = await agent({ providers: JSON.stringify([{ id: 'mirror' }, { id: 'fake' }]) })
    await expect(ask(client, { match: remote() })).rejects.toMatchObject({
      status: 404,
      message: expect.stringMatching(/fake, mirror|mirror, fake/),
    })
  })

  it('ID-192: one that is not configured any more is never replaced by another one', async () => {
    await connectTo(owner, fake)
    const client = await agent({ providers: JSON.stringify([{ id: 'gone' }]) })
    await expect(ask(client, { match: remote() })).rejects.toMatchObject({
      status: 404,
      message: expect.stringContaining('gone'),
    })
  })

  it('ID-192: an agent that its template keeps from its owner’s data gets 403', async () => {
    await connectTo(owner, fake)
    const client = await agent({ scope: 'no_user_data' })
    for (const query of [{ id: 'fake' }, { match: remote() }, { id: 'nothing' }])
      await expect(ask(client, query)).rejects.toMatchObject({ status: 403 })
  })

  it('ID-192: who listens is answered when the owner has connected', async () => {
    const client = await agent()
    const listening = ask(client, { id: 'fake', listen: true })
    await connectTo(owner, fake)
    const answer = await listening
    expect(answer).toMatchObject({ url: '' })
    expect(answer.access_token).toMatch(/^access-/)
  })

  it('ID-192: an agent whose workspace was built anew while it listened gets nothing', async () => {
    const client = await agent()
    const listening = ask(client, { id: 'fake', listen: true })
    const refused = expect(listening).rejects.toMatchObject({
      status: 401,
      detail: expect.stringContaining('while the agent waited'),
    })
    // Its request has passed the look-up of its token by the time that this one is answered.
    await ask(client, { id: 'fake' })
    await using database = await openDatabase(server.databaseUrl)
    const workspace = await database.db
      .selectFrom('workspaces')
      .selectAll()
      .orderBy('created_at', 'desc')
      .executeTakeFirstOrThrow()
    await fixtures.workspaceBuild(database.db, { workspace, build_number: 2 })
    await connectTo(owner, fake)
    await refused
  })

  it('ID-192: a token that was refused is no reason to answer a listener', async () => {
    await connectTo(owner, fake)
    for (const token of fake.accessTokens) fake.forget(token)
    const listening = ask(await agent(), { id: 'fake', listen: true })
    await until('the refusal', () => fake.asked('/user').length > 0)
    await connectTo(owner, fake)
    const { access_token } = await listening
    expect(access_token).toBe(fake.accessTokens.at(-1))
  })
})

it('ID-192: a server that ends does not wait for listeners', async () => {
  await using other = await startTestServer({ env: fake.settings(0) })
  const client = await other.owner()
  await using database = await openDatabase(other.databaseUrl)
  const user = await client.call(getUser, { params: { user: 'me' } })
  const organization_id = user.organization_ids[0] ?? ''
  const template = await fixtures.template(database.db, { organization_id })
  const workspace = await fixtures.workspace(database.db, { owner_id: user.id, organization_id, template })
  const build = await fixtures.workspaceBuild(database.db, { workspace })
  const token = randomUUID()
  await fixtures.workspaceAgent(database.db, {
    resource: await fixtures.workspaceResource(database.db, { build }),
    auth_token_hash: createHash('sha256').update(token).digest(),
  })
  const agent = new Client({ url: other.url, token })
  await agent.call(getAgentExternalAuth, { query: { id: 'fake' } })
  const listening = agent.call(getAgentExternalAuth, { query: { id: 'fake', listen: true } })
  const refused = expect(listening).rejects.toMatchObject({ status: 503 })
  // The listener's request is on its way through the same connection pool before this one.
  await agent.call(getAgentExternalAuth, { query: { id: 'fake' } })
  const begun = performance.now()
  await other.stop()
  await refused
  expect(performance.now() - begun).toBeLessThan(8_000)
})

describe('inside of a workspace', () => {
  let workspace: Workspace
  /** The token in a workspace that was made before anybody had connected. */
  let beforeIt: string

  beforeAll(async () => {
    await forget('fake')
    await server.builtInTemplate()
    const template = await importTemplate(owner, 'git', { 'template.ts': SOURCE })
    const { id } = await owner.call(createWorkspace, {
      params: { user: 'me' },
      body: { name: 'dev', template_id: template.id },
    })
    workspace = await until('the agent', async () => {
      const current = await owner.call(getWorkspace, { params: { workspace: id } })
      if (current.latest_build.job.status === 'failed') throw new Error(current.latest_build.job.error)
      const ready = current.latest_build.resources[0]?.agents?.[0]?.lifecycle_state === 'ready'
      return ready ? current : undefined
    })
    beforeIt = await inside('echo $FAKE_TOKEN')
  })

  /** Runs a command there; its output, errors included. */
  async function inside(command: string): Promise<string> {
    const { stdout } = await run(
      process.execPath,
      [SLIPWAY, 'ssh', workspace.name, `{ ${command}; } 2>&1; true`],
      {
        env: {
          PATH: process.env.PATH,
          CODER_URL: server.url,
          CODER_SESSION_TOKEN: owner.headers['Coder-Session-Token'],
        },
      },
    )
    return stdout.trim()
  }
  const clone = (url: string, to: string) =>
    inside(`GIT_TERMINAL_PROMPT=0 git clone --quiet ${url} ${to} && cat ${to}/README`)

  it('AC-116: git clones with the token of the owner', async () => {
    const url = await fake.repository('private', 'README', 'hello from the repository')
    await connectTo(owner, fake)
    expect(await clone(url, 'one')).toBe('hello from the repository')
    // A user name in the address makes git ask for the password alone.
    expect(await clone(url.replace('://', '://me@'), 'two')).toBe('hello from the repository')
    expect(await inside('grep -r access- .git-credentials one/.git two/.git')).not.toContain('access-')
  })

  it('AC-116: git says where to connect, and goes on when the owner has', async () => {
    await forget('fake')
    const url = await fake.repository('later', 'README', 'worth the wait')
    const output = path.join(server.configDirectory, 'workspaces', workspace.id, 'home', 'said')
    const cloning = inside(
      `GIT_TERMINAL_PROMPT=0 git clone --quiet ${url} later 2>$HOME/said; cat $HOME/said later/README`,
    )
    await until('the address', async () =>
      (await readFile(output, 'utf8').catch(() => '')).includes(`${server.url}/external-auth/fake`),
    )
    await connectTo(owner, fake)
    expect(await cloning).toContain('worth the wait')
  })

  it('AC-116: for an address of no provider git is told so, and asks the terminal', async () => {
    const said = await inside(
      'printf x | "$GIT_ASKPASS" "Username for \'https://nowhere.example\': "; echo $?',
    )
    expect(said).toMatch(/No matching external auth provider[\s\S]*1$/)
    expect(await inside('"$GIT_ASKPASS" "Enter passphrase for key: "; echo $?')).toMatch(/not about[\s\S]*1$/)
  })

  it('AC-116: others on the machine cannot ask', async () => {
    const folder = '"$(dirname "$(grep -o "/[^\']*/askpass.sock" "$GIT_ASKPASS")")"'
    expect(await inside(`stat -c "%A %U" ${folder}; id -un`)).toMatch(/^drwx------ (\S+)\n\1$/)
  })

  it('PR-93: the template reads the token, when there is one', async () => {
    expect(beforeIt).toBe('none')
    const template = workspace.template_id
    await connectTo(owner, fake)
    const { id } = await owner.call(createWorkspace, {
      params: { user: 'me' },
      body: { name: 'connected', template_id: template },
    })
    await until('the agent', async () => {
      const current = await owner.call(getWorkspace, { params: { workspace: id } })
      return current.latest_build.resources[0]?.agents?.[0]?.lifecycle_state === 'ready'
    })
    const { stdout } = await run(process.execPath, [SLIPWAY, 'ssh', 'connected', 'echo $FAKE_TOKEN'], {
      env: {
        PATH: process.env.PATH,
        CODER_URL: server.url,
        CODER_SESSION_TOKEN: owner.headers['Coder-Session-Token'],
      },
    })
    expect(stdout.trim()).toMatch(/^access-/)
  })

  it('OP-181: `external-auth access-token` prints a token, or where to get one', async () => {
    const agentToken = await inside('echo $CODER_AGENT_TOKEN')
    const cli = (...args: string[]) =>
      run(process.execPath, [SLIPWAY, 'external-auth', 'access-token', ...args], {
        env: {
          PATH: process.env.PATH,
          HOME: server.configDirectory,
          CODER_AGENT_URL: server.url,
          CODER_AGENT_TOKEN: agentToken,
        },
      })
    fake.extra = { team: { id: 'T1', tags: ['a'] } }
    await connectTo(owner, fake)
    expect((await cli('fake')).stdout).toMatch(/^access-\w+\n$/)
    expect((await cli('fake', '--extra', 'team.id')).stdout).toBe('T1\n')
    expect((await cli('fake', '--extra', 'team.tags')).stdout).toBe('["a"]\n')
    await expect(cli('fake', '--extra', 'nothing')).rejects.toMatchObject({ code: 1, stdout: '' })
    await forget('fake')
    await expect(cli('fake')).rejects.toMatchObject({
      code: 1,
      stdout: `${server.url}/external-auth/fake\n`,
      stderr: '',
    })
    await expect(cli('nothing')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no external auth provider'),
    })
  })
})
