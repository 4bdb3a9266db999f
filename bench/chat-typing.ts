import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'

import type { Page } from 'playwright-core'

import { getUser, listOrganizations } from '@slipway/contract'
import { openBrowser } from '../packages/testkit/src/browser.ts'
import { emptyChat, longConversation, MODELS } from '../packages/web/src/browser/chat-scenes.fixture.ts'
import { ChatStage } from '../packages/web/src/browser/chat-stage.fixture.ts'
import { type Bench, median, owner, quantile, runServer, scratch } from './harness.ts'

const MESSAGES = 1000
const TOKENS_PER_SECOND = 200
const KEYS = 150
const KEY_PAUSE_MS = 45
/** The sizes that the budget is about (UI-1905). */
const PROFILES = [
  { name: 'desktop', viewport: { width: 1440, height: 900 }, isMobile: false },
  { name: 'phone', viewport: { width: 390, height: 844 }, isMobile: true },
] as const

/** A key in the composer of a long chat to the frame that shows it, while an answer streams, in Chromium (UI-1905). */
export const chatTyping: Bench = async () => {
  await using place = await scratch()
  await using server = await runServer(place.folder)
  const client = await owner(server.url)
  const [organization] = await client.call(listOrganizations)
  const me = await client.call(getUser, { params: { user: 'me' } })
  await using stage = await ChatStage.start(server.url)
  stage.models.push(...MODELS)
  await using browser = await openBrowser()
  const figures = []
  for (const [index, { name, viewport, isMobile }] of PROFILES.entries()) {
    const staged = emptyChat(index + 1, me.id, organization?.id ?? '', { status: 'running' })
    staged.messages = longConversation(staged.chat.id, MESSAGES)
    stage.chats.set(staged.chat.id, staged)
    const { page } = await browser.open({ viewport, isMobile, hasTouch: isMobile })
    await page.context().addCookies([
      {
        name: 'coder_session_token',
        value: client.headers['Coder-Session-Token'] ?? '',
        url: stage.url,
      },
    ])
    await page.addInitScript('window.slipwayRowRenders = new Map()')
    const opened = performance.now()
    await page.goto(`${stage.url}/agents/${staged.chat.id}`)
    await page.getByLabel('Message', { exact: true }).waitFor()
    await page.locator('[role=feed] article').last().waitFor()
    const interactive = performance.now() - opened
    await page.evaluate(READ_ALL)
    const quiet = await type(page)
    using _ = stream(stage, staged.chat.id)
    await delay(1000)
    await page.evaluate('slipwayRowRenders.clear()')
    const busy = await type(page)
    const nodes: unknown = await page.evaluate('document.querySelectorAll("*").length')
    // Rows of what is being written begin with p; the row of the moment may be rendered, nothing else.
    const settled: unknown = await page.evaluate(
      '[...slipwayRowRenders.keys()].filter((key) => !key.startsWith("p")).length',
    )
    const rest = `${nodes} nodes, ${settled} rows, ${interactive.toFixed(0)} ms`
    figures.push(
      {
        what: `chat of ${MESSAGES} messages on a ${name}: key to paint while ${TOKENS_PER_SECOND} tokens/s stream, 95th percentile`,
        measured: `${quantile(busy, 0.95).toFixed(1)} ms (median ${median(busy).toFixed(1)} ms)`,
        baseline: `${quantile(quiet, 0.95).toFixed(1)} ms (median ${median(quiet).toFixed(1)} ms), nothing streams`,
        result: `${quantile(busy, 0.95).toFixed(1)} ms`,
        wanted: 'at most 50 ms',
      },
      {
        what: `the same: nodes in the page, settled rows rendered again, time to the newest page`,
        measured: rest,
        baseline: 'none',
        result: rest,
        wanted: 'at most 4,000 nodes, 0 rows, 1,500 ms',
      },
    )
    await page.context().close()
  }
  return figures
}

/** Scrolls up until everything is there, and back to the end. */
const READ_ALL = `(async () => {
  const box = document.querySelector('[data-pane=transcript]')
  const paint = () => new Promise((done) => requestAnimationFrame(done))
  for (let still = 0, height = 0; still < 40; ) {
    box.scrollTop = 0
    await paint()
    still = box.scrollHeight === height ? still + 1 : 0
    height = box.scrollHeight
  }
  box.scrollTop = box.scrollHeight
  await paint()
  await paint()
})()`

/** Notes for each key how long it takes until the frame after it has been painted. */
const WATCH_KEYS = `
  window.slipwayKeyTimes = []
  window.slipwayKeyWatch?.abort()
  window.slipwayKeyWatch = new AbortController()
  document.addEventListener('keydown', ({ timeStamp }) => requestAnimationFrame(() => {
    const channel = new MessageChannel()
    channel.port1.onmessage = () => slipwayKeyTimes.push(performance.now() - timeStamp)
    channel.port2.postMessage(undefined)
  }), { signal: slipwayKeyWatch.signal })`

/** Milliseconds from each key to the frame after it, measured inside of the page. */
async function type(page: Page): Promise<number[]> {
  const field = page.getByLabel('Message', { exact: true })
  await field.fill('')
  await field.focus()
  await page.evaluate(WATCH_KEYS)
  const word = 'the quick brown fox jumps over the lazy dog '
  for (let key = 0; key < KEYS; key++) {
    await page.keyboard.press(word[key % word.length] ?? 'a')
    await delay(KEY_PAUSE_MS)
  }
  const times: unknown = await page.evaluate('slipwayKeyTimes')
  return Array.isArray(times) ? times.filter((time) => typeof time === 'number').slice(10) : []
}

/** An answer without end, a few tokens at a time, with blocks of every kind. */
function stream(stage: ChatStage, chat: string): Disposable {
  let seq = 0
  const every = 25
  const words = ['A ', 'paragraph ', 'of **words** ', 'that ', 'goes ', 'on, ', 'with `code` ', 'in it.']
  const timer = setInterval(() => {
    const count = (TOKENS_PER_SECOND * every) / 1000
    const events = Array.from({ length: count }, () => {
      seq++
      const text =
        seq % 160 === 0
          ? `\n\n\`\`\`ts\nconst id = '${randomUUID()}'\n\`\`\`\n\n`
          : seq % 50 === 0
            ? '\n\n'
            : (words[seq % words.length] ?? '')
      return {
        type: 'message_part' as const,
        message_part: {
          role: 'assistant' as const,
          part: { type: 'text' as const, text },
          history_version: 1,
          generation_attempt: 1,
          seq,
        },
      }
    })
    stage.emit(chat, events)
  }, every)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
