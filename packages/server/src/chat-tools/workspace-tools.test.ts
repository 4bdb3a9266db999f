import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createBuild, getWorkspace, type Template, type Workspace } from '@slipway/contract'
import { until } from '@slipway/testkit'
import type { ChatRow, Json } from '../chats/index.ts'
import { hashAgentToken } from '../resources/index.ts'
import { World } from './world.fixture.ts'

let world: World
let template: Template
let workspace: Workspace
let chat: ChatRow
let home: string

beforeAll(async () => {
  world = await World.start()
  template = await world.template('plain', 'main')
  workspace = await world.workspace('dev', template)
  chat = await world.chat({ workspace_id: workspace.id })
  const { value } = await world.call(chat, 'execute', { command: 'printf %s "$HOME"' })
  home = Object(value).output
})
afterAll(() => world[Symbol.asyncDispose]())

const run = (command: string, more: Readonly<Record<string, Json>> = {}) =>
  world.call(chat, 'execute', { command, ...more })

describe('execute', () => {
  it('CH-11.2: gives output and exit code, and tells programs that nobody is there', async () => {
    const { result } = await run('echo out; echo err >&2; exit 3')
    expect(result).toMatchObject({ success: false, exit_code: 3, wall_duration_ms: expect.any(Number) })
    expect(String(Object(result).output).split('\n').sort()).toEqual(['', 'err', 'out'])
    expect((await run('env')).result).toMatchObject({
      success: true,
      output: expect.stringMatching(
        new RegExp(
          [
            'CODER_CHAT_AGENT=true',
            'GIT_TERMINAL_PROMPT=0',
            'NO_COLOR=1',
            'TERM=dumb',
            'PAGER=cat',
            `AGENT_BROWSER_SESSION=${chat.id}`,
            `CODER_CHAT_ID=${chat.id}`,
          ]
            .map((line) => `(?=[\\s\\S]*^${line}$)`)
            .join(''),
          'm',
        ),
      ),
    })
  })

  it('issue 5: no tool tells a model the credentials of its agent, of its owner or of the server', async () => {
    const shown: string[] = []
    const command = 'echo "token=$CODER_AGENT_TOKEN"; env; cat /proc/*/environ 2>/dev/null; env > env.txt'
    const { result } = await world.call(chat, 'execute', { command }, { shown })
    const read = await world.call(chat, 'read_file', { path: `${home}/env.txt` })
    const told = JSON.stringify([result, shown, read.result])
    expect(told).toContain('token=[token of the agent]')
    expect(told).toContain('CODER_AGENT_TOKEN=[token of the agent]')
    const { auth_token_hash } = await world.context.database.db
      .selectFrom('agents_with_workspace')
      .select('auth_token_hash')
      .where('workspace_id', '=', workspace.id)
      .executeTakeFirstOrThrow()
    const uuids = told.match(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g) ?? []
    expect(uuids).toContain(chat.id)
    expect(uuids.filter((uuid) => hashAgentToken(uuid).equals(auth_token_hash))).toEqual([])
    const session = world.owner.headers['Coder-Session-Token'] ?? ''
    for (const secret of [session, world.server.databaseUrl, 'CODER_PG_CONNECTION_URL'])
      expect(told).not.toContain(secret)
  })

  it('T-33: leaves a command running when the time is over, and process_output gives its end', async () => {
    const shown: string[] = []
    const began = performance.now()
    const { result } = await world.call(
      chat,
      'execute',
      { command: 'echo begun; sleep 4; echo done', timeout: '2s' },
      { shown },
    )
    expect(performance.now() - began).toBeLessThan(4_000)
    expect(result).toMatchObject({
      success: false,
      output: 'begun\n',
      error: expect.stringContaining('still runs'),
      background_process_id: expect.any(String),
    })
    expect(shown.join('')).toBe('begun\n')
    const process_id: string = Object(result).background_process_id
    expect(
      (await world.call(chat, 'process_output', { process_id, wait_timeout: '0s' })).result,
    ).toMatchObject({
      running: true,
    })
    expect(
      (await world.call(chat, 'process_output', { process_id, wait_timeout: '30s' })).result,
    ).toMatchObject({
      success: true,
      running: false,
      exit_code: 0,
      output: 'begun\ndone\n',
      command: 'echo begun; sleep 4; echo done',
    })
  })

  it('T-34: a command that ends in & returns at once and is listed; a signal ends it', async () => {
    const { result } = await run('sleep 4711 &')
    expect(result).toMatchObject({
      success: true,
      backgrounded: true,
      background_process_id: expect.any(String),
    })
    const { background_process_id: process_id } = Object(result)
    const listed = (await world.call(chat, 'process_list')).result
    expect(Object(listed).processes).toContainEqual(
      expect.objectContaining({ id: process_id, command: 'sleep 4711', running: true }),
    )
    expect((await world.call(chat, 'process_signal', { process_id, signal: 'kill' })).result).toMatchObject({
      success: true,
    })
    const ended = await world.call(chat, 'process_output', { process_id, wait_timeout: '10s' })
    expect(ended.result).toMatchObject({
      running: false,
      exit_code: 137,
      note: expect.stringContaining('memory'),
    })
    const stranger = await world.chat({ workspace_id: workspace.id })
    expect(await world.call(stranger, 'process_output', { process_id })).toMatchObject({
      isError: true,
      result: { code: 'process_lost', next_action: expect.stringContaining('process_list') },
    })
  })

  it('B-5: a call that was begun is found again by its process and not begun anew', async () => {
    const noted: Json[] = []
    const file = `${home}/${randomUUID()}`
    const args = { command: `echo once >> ${file}; sleep 1; cat ${file}` }
    const first = await world.call(chat, 'execute', { ...args, timeout: '0s' }, { noted })
    expect(noted).toEqual([
      { process_id: expect.any(String), started: false },
      { process_id: Object(first.result).background_process_id, started: true },
    ])
    for (const resume of noted) {
      const again = await world.call(chat, 'execute', args, { resume })
      expect(again.result).toMatchObject({ success: true, output: 'once\n' })
    }
    const lost = await world.call(chat, 'execute', args, {
      resume: { process_id: randomUUID(), started: true },
    })
    expect(lost).toMatchObject({ isError: true, result: { code: 'process_lost' } })
  })

  it('L-43: an interrupted call returns at once, and its command is ended', async () => {
    const stop = new AbortController()
    const running = world.call(
      chat,
      'execute',
      { command: `touch ${home}/going; sleep 4812`, timeout: '60s' },
      { signal: stop.signal },
    )
    await until(
      'the command',
      async () => Object((await run(`test -e ${home}/going`)).result).exit_code === 0,
    )
    const began = performance.now()
    stop.abort(new Error('interrupted'))
    await expect(running).rejects.toThrow('interrupted')
    expect(performance.now() - began).toBeLessThan(1_000)
    await until('its end', async () => Object((await run('pgrep -f "[s]leep 4812"')).result).exit_code !== 0)
  })

  it('L-43: a workspace that is stopped, rebuilt or deleted while a command runs ends the call with one thing to do', async () => {
    const doomed = await world.workspace('doomed', template)
    const of = await world.chat({ workspace_id: doomed.id })
    const busy = async (name: string) => {
      const called = world.call(of, 'execute', { command: `touch ${name}; sleep 300`, timeout: '120s' })
      await until(
        'the command',
        async () => Object((await world.call(of, 'execute', { command: `test -e ${name}` })).result).success,
      )
      return { called }
    }
    const build = async (transition: 'stop' | 'start' | 'delete') => {
      const { build_number } = await world.owner.call(createBuild, {
        params: { workspace: doomed.id },
        body: { transition },
      })
      await until(`the end of the ${transition}`, async () => {
        const { latest_build } = await world.owner.call(getWorkspace, {
          params: { workspace: doomed.id },
          query: { include_deleted: true },
        })
        return latest_build.build_number === build_number && latest_build.job.completed_at !== undefined
      })
    }
    const stopped = await busy('one')
    await build('stop')
    expect(await stopped.called).toMatchObject({
      isError: true,
      result: { code: 'workspace_stopped', next_action: 'Call start_workspace.' },
    })
    expect((await world.call(of, 'start_workspace')).result).toMatchObject({ started: true })
    const rebuilt = await busy('two')
    await build('start')
    expect(await rebuilt.called).toMatchObject({
      isError: true,
      // During the build, or with the agent of the next one.
      result: {
        code: expect.stringMatching(/^(workspace_starting|process_lost)$/),
        next_action: expect.any(String),
      },
    })
    expect((await world.call(of, 'start_workspace')).result).toMatchObject({ started: false })
    const deleted = await busy('three')
    await build('delete')
    expect(await deleted.called).toMatchObject({
      isError: true,
      result: { code: 'workspace_gone', next_action: expect.stringContaining('create_workspace') },
    })
  })

  it('L-42: 10 MB of output, control characters and bytes that are no text stay bounded and marked', async () => {
    const flood = await run('head -c 10000000 /dev/zero | tr "\\0" x', { timeout: '60s' })
    expect(flood.result).toMatchObject({
      success: true,
      truncated: { original_bytes: 10_000_000, strategy: 'head_tail' },
    })
    expect(JSON.stringify(flood.result).length).toBeLessThan(40 * 1024)
    const hostile = await run('printf "\\033[2J\\033]0;title\\007red\\0\\377 end"')
    expect(hostile.result).toMatchObject({
      output: 'red\uFFFD\uFFFD end',
      note: expect.stringContaining('Control characters'),
    })
  })

  it('CH-1101: a bad call and a folder that is not there are results', async () => {
    expect(await world.call(chat, 'execute', { command: 7 })).toMatchObject({
      isError: true,
      result: { error: expect.stringContaining('command') },
    })
    expect(await run('true', { timeout: 'soon' })).toMatchObject({ isError: true })
    expect(await run('true', { workdir: '/no/such/folder' })).toMatchObject({
      isError: true,
      result: { error: expect.stringContaining('/no/such/folder') },
    })
  })
})

describe('files', () => {
  it('CH-11.2: are written, read in numbered lines, and edited with diffs', async () => {
    const path = `${home}/notes/a file.txt`
    expect((await world.call(chat, 'write_file', { path, content: 'one\ntwo\nthree\n' })).result).toEqual({
      ok: true,
    })
    expect((await world.call(chat, 'read_file', { path, offset: 2, limit: 1 })).result).toEqual({
      content: '2\ttwo',
      file_size: 14,
      total_lines: 3,
      lines_read: 1,
      note: expect.stringContaining('offset 3'),
    })
    const edited = await world.call(chat, 'edit_files', {
      files: [
        {
          path,
          edits: [
            { old_text: 'two', new_text: '2' },
            { search: 'three', replace: '3' },
          ],
        },
      ],
    })
    expect(edited.result).toMatchObject({
      ok: true,
      files: [{ path, diff: expect.stringContaining('+2\n') }],
    })
    expect((await run(`cat '${path}'`)).result).toMatchObject({ output: 'one\n2\n3\n' })
  })

  it('T-35: a second edit that does not match leaves the first file as it was', async () => {
    const [a, b] = [`${home}/a.txt`, `${home}/b.txt`]
    await world.call(chat, 'write_file', { path: a, content: 'alpha' })
    await world.call(chat, 'write_file', { path: b, content: 'beta' })
    const outcome = await world.call(chat, 'edit_files', {
      files: [
        { path: a, edits: [{ old_text: 'alpha', new_text: 'changed' }] },
        { path: b, edits: [{ old_text: 'gamma', new_text: 'x' }] },
      ],
    })
    expect(outcome).toMatchObject({ isError: true, result: { error: expect.stringContaining('b.txt') } })
    expect((await run(`cat ${a} ${b}`)).result).toMatchObject({ output: 'alphabeta' })
  })

  it('CH-11.2: binary files, missing ones and hostile names are answers', async () => {
    await run(`head -c 4096 /dev/urandom > ${home}/blob.bin`)
    expect(await world.call(chat, 'read_file', { path: `${home}/blob.bin` })).toMatchObject({
      isError: true,
      result: { error: expect.stringContaining('binary') },
    })
    expect(await world.call(chat, 'read_file', { path: `${home}/missing` })).toMatchObject({ isError: true })
    const path = `${home}/\u001b[31m$(touch pwned)\n'"; x`
    expect((await world.call(chat, 'write_file', { path, content: 'safe' })).result).toEqual({ ok: true })
    expect((await world.call(chat, 'read_file', { path })).result).toMatchObject({ content: '1\tsafe' })
    expect((await run(`test -e ${home}/pwned`)).result).toMatchObject({ exit_code: 1 })
  })

  it('CH-11.2: are attached with their detected type, and refused when they are of another', async () => {
    const path = `${home}/report.md`
    await world.call(chat, 'write_file', { path, content: '# Report\n' })
    const attached = await world.call(chat, 'attach_file', { path, name: 'Report.md' })
    expect(attached.result).toMatchObject({
      ok: true,
      path,
      name: 'Report.md',
      media_type: 'text/markdown',
      size: 9,
      file_id: expect.any(String),
    })
    expect(attached.files).toEqual([
      {
        type: 'file',
        file_id: Object(attached.result).file_id,
        media_type: 'text/markdown',
        name: 'Report.md',
      },
    ])
    await run(
      `head -c 100 /dev/urandom > ${home}/noise; head -c 10485761 /dev/zero | tr '\\0' x > ${home}/large.txt`,
    )
    for (const name of ['noise', 'large.txt', 'absent'])
      expect(await world.call(chat, 'attach_file', { path: `${home}/${name}` })).toMatchObject({
        isError: true,
      })
  })
})

describe('plan mode', () => {
  it('T-43, CH-1102: only the plan file of the chat is written, and propose_plan ends the turn', async () => {
    const planning = await world.chat({ workspace_id: workspace.id, plan_mode: 'plan' })
    const plan = `${home}/.coder/plans/PLAN-${planning.id}.md`
    const write = (path: string, content = '# Plan') => world.call(planning, 'write_file', { path, content })
    expect(await write(`${home}/notes.md`)).toMatchObject({
      isError: true,
      result: { next_action: expect.stringContaining(plan) },
    })
    expect(await world.call(planning, 'propose_plan', { path: plan })).toMatchObject({ isError: true })
    expect((await write(plan)).result).toEqual({ ok: true })
    expect(
      await world.call(planning, 'edit_files', {
        files: [{ path: `${home}/a.txt`, edits: [{ old_text: 'a', new_text: 'b' }] }],
      }),
    ).toMatchObject({ isError: true })
    const proposed = await world.call(planning, 'propose_plan', { path: plan })
    expect(proposed.result).toMatchObject({ ok: true, kind: 'plan', path: plan, media_type: 'text/markdown' })
    expect(proposed.files).toHaveLength(1)
    await using open = await world.tools.open({ chat: planning, signal: new AbortController().signal })
    expect(open.tools.filter(({ stopsTurn }) => stopsTurn === true).map(({ name }) => name)).toEqual([
      'propose_plan',
      'ask_user_question',
    ])
    await run(`rm ${plan}; touch ${home}/elsewhere.md; ln -s ${home}/elsewhere.md ${plan}`)
    expect(await write(plan)).toMatchObject({
      isError: true,
      result: { error: expect.stringContaining('link') },
    })
  })

  it('CH-1102: outside of plan turns no plan is written that all chats would share', async () => {
    const right = expect.stringContaining(`PLAN-${chat.id}.md`)
    for (const path of [`${home}/PLAN.md`, 'PLAN.md', 'docs/plan-x.md'])
      expect(await world.call(chat, 'write_file', { path, content: 'x' })).toMatchObject({
        isError: true,
        result: { next_action: right },
      })
    expect(
      (await world.call(chat, 'write_file', { path: `${home}/docs/PLAN.md`, content: 'x' })).result,
    ).toEqual({
      ok: true,
    })
  })

  it('CH-11.2: questions come back as they were asked', async () => {
    const planning = await world.chat({ plan_mode: 'plan' })
    const questions = [
      {
        header: 'Language',
        question: 'Which?',
        options: [
          { label: 'Go', description: '' },
          { label: 'TS', description: '' },
        ],
      },
    ]
    expect((await world.call(planning, 'ask_user_question', { questions })).result).toEqual({ questions })
    expect(await world.call(planning, 'ask_user_question', { questions: [] })).toMatchObject({
      isError: true,
    })
  })
})
