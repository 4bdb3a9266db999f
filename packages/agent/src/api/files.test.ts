import { execFileSync } from 'node:child_process'
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { type ConnectedAgent, connectAgent } from '../testing/stand-in.ts'

let agent: ConnectedAgent
beforeAll(async () => {
  agent = await connectAgent()
})
afterAll(() => agent[Symbol.asyncDispose]())

const at = (name: string): string => path.join(agent.home, name)
const query = (name: string, more = ''): string => `?path=${encodeURIComponent(at(name))}${more}`

it('AC-§6: writes a file in one step, makes its folders, follows links and keeps its mode', async () => {
  const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 256))
  expect(await agent.ask('POST', `/api/v0/write-file${query('deep/down/file')}`, bytes)).toMatchObject({
    status: 200,
  })
  expect(await readFile(at('deep/down/file'))).toEqual(bytes)
  await chmod(at('deep/down/file'), 0o777)
  await symlink(at('deep/down/file'), at('link'))
  await agent.ask('POST', `/api/v0/write-file${query('link')}`, Buffer.from('new'))
  expect(await readFile(at('deep/down/file'), 'utf8')).toBe('new')
  expect((await stat(at('deep/down/file'))).mode & 0o777).toBe(0o777)
  expect(await readdir(at('deep/down'))).toEqual(['file'])
})

it('AC-§6: reads raw bytes, whole and in parts', async () => {
  await writeFile(at('numbers'), '0123456789')
  expect((await agent.ask('GET', `/api/v0/read-file${query('numbers')}`)).text).toBe('0123456789')
  expect((await agent.ask('GET', `/api/v0/read-file${query('numbers', '&offset=3&limit=4')}`)).text).toBe(
    '3456',
  )
  expect((await agent.ask('GET', `/api/v0/read-file${query('numbers', '&offset=99')}`)).text).toBe('')
})

it('AC-§6: tells the type of a file by its name, else by its bytes; a limit of 0 is none', async () => {
  for (const [name, bytes, type] of [
    ['picture.PNG', Buffer.from([0]), 'image/png'],
    ['page.html', Buffer.from('<p>'), 'text/html; charset=utf-8'],
    ['Makefile', Buffer.from('all: 🚢'), 'text/plain; charset=utf-8'],
    ['program', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1]), 'application/octet-stream'],
    ['noise', Buffer.from([0xff, 0xfe, 0xfd, 0xfc, 0xfb]), 'application/octet-stream'],
  ] as const) {
    await writeFile(at(name), bytes)
    const answer = await agent.ask('GET', `/api/v0/read-file${query(name, '&limit=0')}`)
    expect([name, answer.type, answer.text]).toEqual([name, type, bytes.toString()])
  }
  const cut = await agent.ask('GET', `/api/v0/read-file${query('Makefile', '&limit=7')}`)
  expect(cut.type).toBe('text/plain; charset=utf-8')
})

it('AC-§6: refuses relative paths, folders, what is missing and what it does not know', async () => {
  await mkdir(at('folder'), { recursive: true })
  execFileSync('mkfifo', [at('pipe')])
  for (const [request, status] of [
    ['?path=relative/file', 400],
    ['', 400],
    [query('folder'), 400],
    [query('pipe'), 400],
    [query('missing'), 404],
    [query('numbers', '&offset=-1'), 400],
    [query('numbers', '&limit=many'), 400],
    [query('numbers', '&ofset=1'), 400],
    [`${query('numbers')}%00`, 400],
  ] as const) {
    const answer = await agent.ask('GET', `/api/v0/read-file${request}`)
    expect([request, answer.status]).toEqual([request, status])
    expect(answer.json).toEqual({ message: expect.any(String) })
  }
  for (const request of ['?path=relative', query('folder'), query('pipe')])
    expect((await agent.ask('POST', `/api/v0/write-file${request}`, Buffer.from('x'))).status).toBe(400)
  expect(
    (await agent.ask('POST', `/api/v0/write-file${query('numbers/below')}`, Buffer.from('x'))).status,
  ).toBe(400)
})

it('AC-§6: numbered lines are bounded in number and size, and refusals are answers', async () => {
  const lines = Array.from({ length: 5_000 }, (_, i) => `line ${i + 1}`)
  await writeFile(at('lines'), `${lines.join('\n')}\n`)
  const read = async (more: string) =>
    (await agent.ask('GET', `/api/v0/read-file-lines${query('lines', more)}`)).json
  expect(await read('&offset=4999&limit=10')).toEqual({
    success: true,
    file_size: expect.any(Number),
    total_lines: 5_000,
    lines_read: 2,
    content: '4999\tline 4999\n5000\tline 5000',
    error: '',
  })
  expect(await read('')).toMatchObject({ success: true, lines_read: 2_000 })
  expect(await read('&max_response_bytes=100')).toMatchObject({ success: true, lines_read: 10 })
  expect(await read('&max_line_bytes=3&limit=1')).toMatchObject({ content: '1\tlin' })
  expect(await read('&offset=5001')).toMatchObject({ success: false, error: expect.stringContaining('5000') })
  expect(await read('&max_file_size=10')).toMatchObject({ success: false })
  expect((await agent.ask('GET', `/api/v0/read-file-lines${query('nothing')}`)).json).toMatchObject({
    success: false,
    error: expect.stringContaining('does not exist'),
  })
})

it('AC-§6: edits are all made or none', async () => {
  await writeFile(at('a.txt'), 'one two two')
  await writeFile(at('b.txt'), 'three')
  const edit = (files: unknown) => agent.ask('POST', '/api/v0/edit-files', { files })
  const missed = await edit([
    { path: at('a.txt'), edits: [{ search: 'one', replace: '1' }] },
    { path: at('b.txt'), edits: [{ search: 'four', replace: '4' }] },
  ])
  expect(missed).toMatchObject({ status: 400, json: { message: expect.stringContaining('b.txt') } })
  expect(await readFile(at('a.txt'), 'utf8')).toBe('one two two')
  expect((await edit([{ path: at('a.txt'), edits: [{ search: 'two', replace: '2' }] }])).status).toBe(400)
  const done = await edit([
    { path: at('a.txt'), edits: [{ search: 'one', replace: '$&1' }] },
    { path: at('a.txt'), edits: [{ search: 'two', replace: '2', replace_all: true }] },
    { path: at('b.txt'), edits: [{ search: 'three', replace: '' }] },
  ])
  expect(done.status).toBe(200)
  expect(await readFile(at('a.txt'), 'utf8')).toBe('$&1 2 2')
  expect(await readFile(at('b.txt'), 'utf8')).toBe('')
})

it('AC-§6: edits show what they have changed when asked to', async () => {
  await writeFile(at('c.txt'), 'one\ntwo\n')
  await writeFile(at('d.txt'), 'same')
  const files = [
    { path: at('c.txt'), edits: [{ search: 'two', replace: '2' }] },
    { path: at('d.txt'), edits: [{ search: 'same', replace: 'same' }] },
  ]
  expect((await agent.ask('POST', '/api/v0/edit-files', { files, include_diff: true })).json).toMatchObject({
    files: [
      {
        path: at('c.txt'),
        diff: `--- ${at('c.txt')}\n+++ ${at('c.txt')}\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n`,
      },
      { path: at('d.txt'), diff: '' },
    ],
  })
})

it('AC-§6: two paths to one file, relative paths and edits that are none are refused', async () => {
  await writeFile(at('real'), 'text')
  await symlink(at('real'), at('alias'))
  const one = { search: 'text', replace: 'other' }
  for (const files of [
    [
      { path: at('real'), edits: [one] },
      { path: at('alias'), edits: [one] },
    ],
    [{ path: 'real', edits: [one] }],
    [{ path: at('real'), edits: [] }],
    [{ path: at('real'), edits: [null] }],
    [{ path: at('real'), edits: [{ search: '', replace: 'x' }] }],
    [],
    'nonsense',
  ])
    expect((await agent.ask('POST', '/api/v0/edit-files', { files })).status).toBe(400)
  expect((await agent.ask('POST', '/api/v0/edit-files', Buffer.from('{'))).status).toBe(400)
  expect(await readFile(at('real'), 'utf8')).toBe('text')
})

it('AC-§6: lists folders from the home folder and resolves paths with a missing tail', async () => {
  await mkdir(at('listed/inner'), { recursive: true })
  await writeFile(at('listed/file'), '')
  const list = (body: unknown) => agent.ask('POST', '/api/v0/list-directory', body)
  expect((await list({ path: ['listed'], relativity: 'home' })).json).toEqual({
    absolute_path: at('listed').slice(1).split('/'),
    absolute_path_string: at('listed'),
    contents: [
      { name: 'file', absolute_path_string: at('listed/file'), is_dir: false },
      { name: 'inner', absolute_path_string: at('listed/inner'), is_dir: true },
    ],
  })
  expect((await list({ path: ['no', 'such'], relativity: 'root' })).status).toBe(404)
  expect((await list({ path: [], relativity: 'moon' })).status).toBe(400)
  expect((await agent.ask('POST', `/api/v0/list-directory${query('listed')}`, {})).json).toMatchObject({
    absolute_path_string: at('listed'),
  })
  await symlink(at('listed'), at('way'))
  const resolved = await agent.ask('GET', `/api/v0/resolve-path${query('way/missing/tail')}`)
  expect(resolved.json).toEqual({ resolved_path: at('listed/missing/tail') })
})

it('AC-§6: a body beyond its limit is refused and the agent lives on', async () => {
  const answer = await agent.ask('POST', `/api/v0/write-file${query('big')}`, Buffer.alloc(65 * 1024 * 1024))
  expect(answer.status).toBe(413)
  expect((await agent.ask('GET', '/')).status).toBe(200)
  await expect(stat(at('big'))).rejects.toMatchObject({ code: 'ENOENT' })
})
