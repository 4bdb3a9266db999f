import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'

import { expect, it } from 'vitest'

import { type ModelRequest, says, type Turn, until } from '@slipway/testkit'
import { ChatsAtWork } from '../chat-generation/chats-at-work.fixture.ts'

const PAGE = new URL('../../../../docs/chats-api.md', import.meta.url)

/** A fenced block of the page: its language, the word behind it, and its text. */
interface Block {
  readonly language: string
  readonly word: string
  readonly text: string
}

/** What stands for ids in braces; the first answer that has one says what it is. */
class Names {
  readonly #values = new Map<string, unknown>()

  get(name: string): string {
    const value = this.#values.get(name)
    if (value === undefined) throw new Error(`no answer on the page has told what {${name}} is`)
    return String(value)
  }

  fill(text: string): string {
    return text.replace(/\{(\w+)\}/g, (_all, name: string) => this.get(name))
  }

  /** Whether an answer is what the page shows; it may have more members. */
  check(shown: unknown, real: unknown, where: string): void {
    const [, name] = (typeof shown === 'string' && /^\{(\w+)\}$/.exec(shown)) || []
    if (name !== undefined && !this.#values.has(name)) {
      expect(real, where).toBeTruthy()
      this.#values.set(name, real)
    } else if (name !== undefined) expect(real, where).toBe(this.#values.get(name))
    else if (Array.isArray(shown)) {
      if (!Array.isArray(real)) throw new Error(`${where} is no array: ${JSON.stringify(real)}`)
      expect(real, where).toHaveLength(shown.length)
      for (const [i, one] of shown.entries()) this.check(one, real[i], `${where}[${i}]`)
    } else if (typeof shown === 'object' && shown !== null) {
      if (typeof real !== 'object' || real === null) throw new Error(`${where} is ${JSON.stringify(real)}`)
      for (const [key, value] of Object.entries(shown))
        this.check(value, Reflect.get(real, key), `${where}.${key}`)
    } else expect(real, where).toEqual(shown)
  }
}

function blocksOf(page: string): Block[] {
  return [...page.matchAll(/^```(\w+) ?(\w*)\n([\s\S]*?)^```$/gm)].map(
    ([, language = '', word = '', text = '']) => ({
      language,
      word,
      text,
    }),
  )
}

/** The models of the page: what they answer depends on what was said last. */
function answerFor({ text, streaming, kind }: ModelRequest): Turn | undefined {
  if (kind === 'models') return undefined
  if (!streaming) return says('A title')
  const last = [
    'List the failing tests',
    'Write a long report',
    'Make it short',
    'very short',
    'Which test',
  ].reduce((latest, words) => (text.lastIndexOf(words) > text.lastIndexOf(latest) ? words : latest))
  if (text.includes('How warm is it'))
    return text.includes('celsius')
      ? says('It is 21 degrees in Oslo.')
      : { steps: [{ call: { name: 'temperature', args: { city: 'Oslo' } } }] }
  if (last === 'Write a long report') return { steps: ['It was a', { stall: true }] }
  return says(last === 'List the failing tests' ? 'No test fails.' : 'Done.')
}

async function request(at: ChatsAtWork, text: string): Promise<Response> {
  const [head = '', ...rest] = text.split('\n\n')
  const [line = '', ...headers] = head.trim().split('\n')
  const [method = '', path = ''] = line.split(' ')
  const body = rest.join('\n\n').trim()
  return fetch(`${at.server.url}${path}`, {
    method,
    headers: {
      ...at.owner.headers,
      ...Object.fromEntries(headers.map((header) => header.split(/: (.*)/s).slice(0, 2))),
    },
    ...(body === '' ? {} : { body }),
  })
}

async function run(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module', '-', ...args], { stdio: 'pipe' })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
    })
  child.stdin.end(program)
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`the program ended with ${code}: ${output.stderr}`)
  return output.stdout
}

it('CH-1705: every example of docs/chats-api.md does what the page says', { timeout: 120_000 }, async () => {
  await using at = await ChatsAtWork.start({}, { model: { display_name: 'Scripted' } })
  at.provider.answer = answerFor
  const names = new Names()
  const blocks = blocksOf(await readFile(PAGE, 'utf8'))
  const seen: string[] = []
  for (const [i, block] of blocks.entries()) {
    const next = blocks[i + 1]
    if (block.word === 'idle') {
      const chat = names.get('chat')
      await until('the idle chat', async () => ((await at.get(chat)).status === 'waiting' ? true : undefined))
    }
    if (block.language === 'http') {
      const filled = names.fill(block.text)
      const answer = await request(at, filled)
      const text = await answer.text()
      const where = filled.split('\n')[0] ?? ''
      seen.push(where)
      if (next?.language !== 'json') throw new Error(`${where}: the page shows no answer`)
      expect(`${answer.status}: ${answer.ok ? '' : text}`, where).toMatch(new RegExp(`^${next.word}: `))
      if (next.text.trim() === '') expect(text, where).toBe('')
      else names.check(JSON.parse(next.text), JSON.parse(text), where)
    }
    if (block.language === 'js') {
      const subject = names.get(block.word === 'tools' ? 'organization_id' : 'chat')
      seen.push(block.word)
      const token = at.owner.headers['Coder-Session-Token'] ?? ''
      expect(await run(block.text, [at.server.url, token, subject]), block.word).toBe(next?.text)
    }
  }
  expect(seen.length).toBeGreaterThan(18)
})
