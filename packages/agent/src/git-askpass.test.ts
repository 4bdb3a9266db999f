import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { describe, expect, it } from 'vitest'

import { silentLogger } from '@slipway/request-log'
import { ControlPlane } from './control-plane.ts'
import { GitAskpass, parsePrompt } from './git-askpass.ts'

describe('AC-116: questions of git', () => {
  it.each([
    ["Username for 'https://github.com': ", 'username', 'https://github.com'],
    ["Password for 'https://ada@github.com': ", 'password', 'https://github.com'],
    [
      "Password for 'https://a%40b:x@git.example:8443/group/repo.git': ",
      'password',
      'https://git.example:8443/group/repo.git',
    ],
    ["Username for 'http://127.0.0.1:3000/repos/x.git': ", 'username', 'http://127.0.0.1:3000/repos/x.git'],
  ])('%s', (prompt, wants, match) => {
    expect(parsePrompt(prompt)).toEqual({ wants, match })
  })

  it('an address that only looks like a known one is what it is', () => {
    expect(parsePrompt("Password for 'https://github.com@evil.example': ")?.match).toBe(
      'https://evil.example',
    )
  })

  it.each([
    "Enter passphrase for key '/home/ada/.ssh/id_ed25519': ",
    "Username for 'ssh://host': ",
    "Username for 'nonsense': ",
    "Are you sure? Username for 'https://x.example': ",
    '',
  ])('anything else is not answered: %s', (prompt) => {
    expect(parsePrompt(prompt)).toBeUndefined()
  })
})

/** Asks an askpass program whose control plane gives these answers in order. */
async function ask(
  prompts: readonly string[],
  answers: readonly { readonly status: number; readonly body: object }[],
): Promise<{ readonly said: string[]; readonly asked: string[] }> {
  const asked: string[] = []
  const left = [...answers]
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    const answer = left.shift() ?? { status: 500, body: {} }
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const folder = await mkdtemp(path.join(tmpdir(), "slipway-it's-"))
  try {
    const controlPlane = new ControlPlane(`http://127.0.0.1:${address.port}`, 'token')
    const said: string[] = []
    const askpass = new GitAskpass(controlPlane, silentLogger(), folder)
    for (const prompt of prompts)
      said.push(
        await new Promise((resolve) =>
          execFile(askpass.command, [prompt], { cwd: folder }, (error, stdout, stderr) =>
            resolve(`${error === null ? 0 : error.code}|${stdout.trim()}|${stderr.trim()}`),
          ),
        ),
      )
    askpass[Symbol.dispose]()
    await expect(access(askpass.command)).rejects.toMatchObject({ code: 'ENOENT' })
    return { said, asked }
  } finally {
    server.closeAllConnections()
    server.close()
    await rm(folder, { recursive: true })
  }
}

const none = { access_token: '', token_extra: {}, type: 'x', username: '', password: '' }
const token = { ...none, access_token: 't', url: '', username: 'oauth2', password: 't' }
const QUESTION = "Username for 'https://git.example': "

describe('AC-116: the program for GIT_ASKPASS', () => {
  it('answers with user name and password, asking each time', async () => {
    const { said, asked } = await ask(
      [QUESTION, "Password for 'https://oauth2@git.example': "],
      [
        { status: 200, body: token },
        { status: 200, body: token },
      ],
    )
    expect(said).toEqual(['0|oauth2|', '0|t|'])
    expect(asked).toEqual([
      '/api/v2/workspaceagents/me/external-auth?match=https%3A%2F%2Fgit.example',
      '/api/v2/workspaceagents/me/external-auth?match=https%3A%2F%2Fgit.example',
    ])
  })

  it('a token that is a user name is the password, too, for who has a name in the address', async () => {
    const body = { ...token, username: 't', password: '' }
    expect((await ask(["Password for 'https://me@git.example': "], [{ status: 200, body }])).said).toEqual([
      '0|t|',
    ])
  })

  it('names the page, and listens through failures until somebody has connected', async () => {
    const { said, asked } = await ask(
      [QUESTION],
      [
        { status: 200, body: { ...none, url: 'https://slipway.example/external-auth/x' } },
        { status: 503, body: {} },
        { status: 200, body: token },
      ],
    )
    expect(said[0]).toMatch(/^0\|oauth2\|[\s\S]*https:\/\/slipway\.example\/external-auth\/x$/)
    expect(asked.slice(1).every((url) => url.endsWith('listen=true'))).toBe(true)
    expect(asked.length).toBe(3)
  })

  it('fails with the words of the control plane, so that git asks the terminal', async () => {
    const refused = { status: 404, body: { message: 'No matching provider.' } }
    expect((await ask([QUESTION], [refused])).said).toEqual(['1||No matching provider.'])
    expect((await ask(['Enter passphrase: '], [])).said[0]).toMatch(/^1\|\|/)
  })
})
