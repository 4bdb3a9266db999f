import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import type { ExternalAuthResponse } from '@slipway/contract'
import { describeError, type Logger } from '@slipway/request-log'
import { backOffMs } from './back-off.ts'
import { type ControlPlane, ControlPlaneError } from './control-plane.ts'

/** Questions are short, and only the account of the workspace can ask. */
const MAX_QUESTION = 8_192
const MAX_QUESTIONS = 64
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * Answers git's questions for user names and passwords with tokens of the workspace's owner (AC-116). git runs
 * {@link GitAskpass.command}, a shell script that needs nothing but git: the agent's own program cannot be read by the
 * account of the workspace, so git's credential cache carries the question to a socket of the agent. Every question
 * is passed on, so that no answer is ever stale (L-35).
 */
export class GitAskpass implements Disposable {
  /** The program for `GIT_ASKPASS`. */
  readonly command: string
  readonly #socket: string
  readonly #server = createServer({ allowHalfOpen: true })
  readonly #sockets = new Set<Socket>()
  readonly #controlPlane: ControlPlane
  readonly #log: Logger

  /** @param directory folder of the agent's own files, which no other account can look into. */
  constructor(controlPlane: ControlPlane, log: Logger, directory: string) {
    this.#controlPlane = controlPlane
    this.#log = log
    this.#socket = path.join(directory, 'askpass.sock')
    this.command = path.join(directory, 'gitaskpass')
    writeFileSync(this.command, script(this.#socket))
    chmodSync(this.command, 0o700)
    this.#server.maxConnections = MAX_QUESTIONS
    this.#server.on('connection', (connection) => this.#serve(connection))
    this.#server.on('error', (error) =>
      log.warn('git cannot ask for tokens', { error: describeError(error) }),
    )
    // One of an agent that was killed.
    rmSync(this.#socket, { force: true })
    this.#server.listen(this.#socket)
  }

  #serve(socket: Socket): void {
    const gone = new AbortController()
    let question = ''
    this.#sockets.add(socket)
    socket.setEncoding('utf8')
    socket.on('close', () => {
      this.#sockets.delete(socket)
      gone.abort()
    })
    socket.on('error', () => socket.destroy())
    socket.on('data', (text: string) => {
      question += text
      if (question.length > MAX_QUESTION) socket.destroy()
    })
    socket.on('end', () => {
      void this.#answer(question, gone.signal).then(
        (answer) => socket.end(`${answer}\n`),
        (error: unknown) => {
          this.#log.warn('a question of git could not be answered', { error: describeError(error) })
          socket.end(`error ${error instanceof Error ? oneLine(error.message) : 'the agent has failed'}\n`)
        },
      )
    })
  }

  async #answer(question: string, gone: AbortSignal): Promise<string> {
    // Two lines of the cache's own come first.
    const asked = /^wait=(\d)\nchat=(.*)\nbranch=(.*)\norigin=(.*)\nprompt=([\s\S]*)$/m.exec(question)
    const [, wait, chat = '', branch = '', origin = '', text = ''] = asked ?? []
    const prompt = parsePrompt(text)
    if (asked === null || prompt === undefined)
      return 'error this question is not about a password of an address'
    // On which branch git is used (CH-1504); said once, not while it is waited.
    const used = {
      ...(UUID.test(chat) ? { chat_id: chat } : {}),
      ...(branch === '' || origin === '' ? {} : { git_branch: branch, git_remote_origin: origin }),
    }
    const token =
      wait === '1'
        ? await this.#wait(prompt.match, gone)
        : await this.#controlPlane.externalAuth({ match: prompt.match, ...used }, gone)
    if (token.url !== '') return `url ${oneLine(token.url)}`
    const credential = prompt.wants === 'username' ? token.username : token.password || token.username
    return `answer ${oneLine(credential)}`
  }

  /** Asks until the owner has connected. @throws ControlPlaneError when there is nothing to wait for. */
  async #wait(match: string, gone: AbortSignal): Promise<ExternalAuthResponse> {
    for (let failures = 0; ; failures += 1) {
      try {
        const token = await this.#controlPlane.externalAuth({ match, listen: 'true' }, gone)
        if (token.url === '') return token
      } catch (error) {
        const refused = error instanceof ControlPlaneError && error.status >= 400 && error.status < 500
        if (gone.aborted || refused) throw error
      }
      await delay(backOffMs(failures + 1), undefined, { signal: gone })
    }
  }

  [Symbol.dispose](): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    rmSync(this.#socket, { force: true })
    rmSync(this.command, { force: true })
  }
}

/**
 * What git asks, in words that scripts rely on: `Username for 'https://host': ` and, with the user that it knows by
 * then, `Password for 'https://user@host': `. Undefined for any other question.
 */
export function parsePrompt(
  prompt: string,
): { readonly wants: 'username' | 'password'; readonly match: string } | undefined {
  const found = /^\s*(Username|Password) for '([^']+)':?\s*$/.exec(prompt)
  const url = URL.parse(found?.[2] ?? '')
  if (found === null || url === null || !['http:', 'https:'].includes(url.protocol)) return undefined
  const rest = url.pathname === '/' ? '' : url.pathname
  return { wants: found[1] === 'Username' ? 'username' : 'password', match: `${url.origin}${rest}` }
}

function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ')
}

function script(socket: string): string {
  return `#!/bin/sh
# Answers git with tokens of the owner of this workspace, or exits with 1 so that git asks the terminal.
ask() {
  printf 'wait=%s\\nchat=%s\\nbranch=%s\\norigin=%s\\nprompt=%s' "$1" "$CODER_CHAT_ID" "$branch" "$origin" "$2" | git credential-cache --socket '${socket.replaceAll("'", `'\\''`)}' get
}
branch=$(git branch --show-current 2>/dev/null | head -n 1 | cut -c 1-255)
origin=$(git config --get remote.origin.url 2>/dev/null | head -n 1 | cut -c 1-1024)
reply=$(ask 0 "$1")
case $reply in
  'url '*)
    printf '\\nOpen this address to connect, and git will go on:\\n\\n\\t%s\\n\\n' "\${reply#url }" >&2
    reply=$(ask 1 "$1")
    ;;
esac
case $reply in
  'answer '*)
    printf '%s\\n' "\${reply#answer }"
    ;;
  'error '*)
    printf '%s\\n' "\${reply#error }" >&2
    exit 1
    ;;
  *)
    printf 'the agent of the workspace does not answer\\n' >&2
    exit 1
    ;;
esac
`
}
