import { randomUUID } from 'node:crypto'
import { once } from 'node:events'

import { spawn } from '@lydell/node-pty'
import { WebSocket } from 'ws'

import { openTerminal } from '@slipway/contract'
import {
  type Bench,
  builtIn,
  connectedAgent,
  median,
  owner,
  quantile,
  runServer,
  scratch,
} from './harness.ts'

const KEYS = 300

/** A key pressed in a terminal to its echo, through server, tunnel and agent, against the same shell on a bare PTY. */
export const terminalEcho: Bench = async () => {
  await using place = await scratch()
  await using server = await runServer(place.folder)
  const client = await owner(server.url)
  const { agentId } = await connectedAgent(client, await builtIn(client), 'echo')
  const address = client.address(openTerminal, { params: { workspaceagent: agentId } })
  const socket = new WebSocket(
    `${address.replace('http', 'ws')}?reconnect=${randomUUID()}&width=80&height=24`,
    {
      headers: client.headers,
    },
  )
  await once(socket, 'open')
  const through = await echoes(
    (key) => socket.send(Buffer.from(JSON.stringify({ data: key }))),
    (heard) => socket.on('message', (data) => heard(String(data))),
  )
  socket.terminate()
  const pty = spawn('/bin/bash', [], { cols: 80, rows: 24 })
  const bare = await echoes(
    (key) => pty.write(key),
    (heard) => pty.onData(heard),
  )
  pty.kill()
  return [
    {
      what: 'terminal echo through server and tunnel, median',
      measured: `${median(through).toFixed(2)} ms (95th percentile ${quantile(through, 0.95).toFixed(2)} ms)`,
      baseline: `${median(bare).toFixed(2)} ms (a raw PTY)`,
      result: `+ ${(median(through) - median(bare)).toFixed(2)} ms`,
      wanted: 'at most + 2 ms',
    },
  ]
}

/** Milliseconds from each key to its echo, one key at a time. */
async function echoes(
  press: (key: string) => void,
  listen: (heard: (text: string) => void) => void,
): Promise<number[]> {
  let heard: (text: string) => void = () => undefined
  listen((text) => heard(text))
  const echoOf = (key: string) =>
    new Promise<void>((resolve) => {
      heard = (text) => {
        if (text.includes(key)) resolve()
      }
      press(key)
    })
  // The shell is ready when it runs a command.
  await new Promise<void>((resolve) => {
    heard = (text) => {
      if (text.includes('ready-42')) resolve()
    }
    press('echo ready-$((6*7))\r')
  })
  const times: number[] = []
  for (let i = 0; i < KEYS; i += 1) {
    const key = 'abcdefghij'[i % 10] ?? 'a'
    // An empty line again, long before it wraps.
    if (i % 60 === 59) press('\u0015')
    const before = performance.now()
    await echoOf(key)
    times.push(performance.now() - before)
  }
  return times.slice(20)
}
