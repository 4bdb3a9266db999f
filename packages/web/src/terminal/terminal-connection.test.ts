import { describe, expect, it } from 'vitest'

import { TerminalConnection, type TerminalSocket, type TerminalState } from './terminal-connection.ts'

/** A socket in the test's hands. */
class PlayedSocket implements TerminalSocket {
  binaryType: BinaryType = 'blob'
  readonly sent: unknown[] = []
  readonly #listeners = new Map<string, ((event: never) => void)[]>()

  readonly send = (data: Uint8Array) => void this.sent.push(JSON.parse(new TextDecoder().decode(data)))
  readonly close = (code = 1000) => this.closed(code)
  readonly addEventListener = (type: string, listener: (event: never) => void) =>
    void this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener])

  opened(): void {
    this.#emit('open', {})
  }
  output(text: string): void {
    this.#emit('message', { data: new TextEncoder().encode(text).buffer })
  }
  closed(code: number, reason = ''): void {
    this.#emit('close', { code, reason })
  }
  #emit(type: string, event: object): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(event as never)
  }
}

function fixture() {
  const sockets: PlayedSocket[] = []
  const paths: string[] = []
  const states: TerminalState[] = []
  const timers: { run: () => void; delay: number; live: boolean }[] = []
  const seen = { output: '', replays: 0, refused: 0, drawn: [] as (() => void)[] }
  const connection = new TerminalConnection({
    path: ({ width, height }) => `/pty?reconnect=same&width=${width}&height=${height}`,
    open: (path) => {
      paths.push(path)
      const socket = new PlayedSocket()
      sockets.push(socket)
      return socket
    },
    onReplay: () => {
      seen.replays++
      seen.output = ''
    },
    onOutput: (data, done) => {
      seen.output += new TextDecoder().decode(data)
      seen.drawn.push(done)
    },
    onState: (state) => states.push(state),
    onRefused: () => {
      seen.refused++
    },
    now: () => 0,
    schedule: (run, delay) => {
      const timer = { run, delay, live: true }
      timers.push(timer)
      return () => {
        timer.live = false
      }
    },
  })
  const last = () => sockets.at(-1) ?? expect.fail('no socket')
  const fire = () => {
    const due = timers.filter((timer) => timer.live)
    for (const timer of due) {
      timer.live = false
      timer.run()
    }
  }
  const delays = () => timers.filter((timer) => timer.live).map((timer) => timer.delay)
  return { connection, sockets, paths, states, seen, last, fire, delays }
}

describe('UI-902: messages', () => {
  it('says its size after opening, then what is typed', () => {
    const { connection, last, paths } = fixture()
    connection.start({ width: 120, height: 40 })
    expect(paths).toEqual(['/pty?reconnect=same&width=120&height=40'])
    connection.input('lost')
    last().opened()
    connection.input('ls\r')
    expect(last().sent).toEqual([{ width: 120, height: 40 }, { data: 'ls\r' }])
  })

  it('UI-903: coalesces sizes and never sends an empty one', () => {
    const { connection, last, fire } = fixture()
    connection.start({ width: 0, height: 0 })
    last().opened()
    connection.resize({ width: 100, height: 0 })
    connection.resize({ width: 100, height: 30 })
    connection.resize({ width: 101, height: 31 })
    fire()
    expect(last().sent).toEqual([
      { width: 80, height: 24 },
      { width: 101, height: 31 },
    ])
  })
})

describe('UI-904: losing and finding the connection', () => {
  it('comes back with the same session, from 1 s doubling to 64 s', () => {
    const { connection, last, fire, delays, paths, states } = fixture()
    connection.start({ width: 80, height: 24 })
    last().opened()
    const pauses: number[] = []
    for (let i = 0; i < 8; i++) {
      last().closed(1006)
      expect(states.at(-1)?.kind).toBe('lost')
      pauses.push(...delays())
      fire()
    }
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 64_000])
    expect(new Set(paths).size).toBe(1)
  })

  it('draws what the server replays once', () => {
    const { connection, last, fire, seen } = fixture()
    connection.start({ width: 80, height: 24 })
    last().opened()
    last().output('$ ls\n')
    last().closed(1006)
    fire()
    last().opened()
    last().output('$ ls\n')
    last().output('file\n')
    expect(seen.output).toBe('$ ls\nfile\n')
  })

  it('a normal close is the end of the shell and is not reconnected', () => {
    const { connection, last, delays, states, sockets } = fixture()
    connection.start({ width: 80, height: 24 })
    last().opened()
    last().closed(1000)
    connection.input(' ')
    connection.retryNow()
    expect(states.at(-1)).toEqual({ kind: 'ended' })
    expect(delays()).toEqual([])
    expect(sockets).toHaveLength(1)
  })

  it('says why, in the words of the server', () => {
    const { connection, last, states } = fixture()
    connection.start({ width: 80, height: 24 })
    last().opened()
    last().closed(1011, 'the agent is not connected')
    expect(states.at(-1)).toMatchObject({
      kind: 'lost',
      reason: 'The agent is not connected.',
      retryAt: 1000,
    })
  })

  it('UI-203: two refused opens ask whether the session stands', () => {
    const { connection, last, fire, seen } = fixture()
    connection.start({ width: 80, height: 24 })
    last().closed(1006)
    expect(seen.refused).toBe(0)
    fire()
    last().closed(1006)
    expect(seen.refused).toBe(1)
  })

  it('UI-1907: a flood that cannot be drawn is cut off and taken up again', () => {
    const { connection, last, states, seen } = fixture()
    connection.start({ width: 80, height: 24 })
    last().opened()
    const part = 'y'.repeat(1024 * 1024)
    for (let i = 0; i < 16; i++) last().output(part)
    expect(states.at(-1)?.kind).toBe('open')
    last().output(part)
    expect(states.at(-1)?.kind).toBe('lost')
    expect(seen.drawn).toHaveLength(17)
  })
})
