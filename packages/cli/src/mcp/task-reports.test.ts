import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'

import { describe, expect, it } from 'vitest'

import { until } from '@slipway/testkit'
import { reconnectWaitMs, watchScreen } from './screen-watcher.ts'
import { type Observation, type Report, TaskReports } from './task-reports.ts'

const said = (state: Observation['state'], summary = '', link = ''): Observation => ({
  state,
  summary,
  link,
  isSelfReported: true,
})
const seen = (state: Observation['state'], messageId?: number): Observation => ({
  state,
  summary: '',
  link: '',
  isSelfReported: false,
  messageId,
})

/** What is sent of these observations. */
async function sent(observations: readonly Observation[], hasScreen = true): Promise<Report[]> {
  const reports = new TaskReports(hasScreen)
  for (const observation of observations) expect(reports.add(observation)).toBe(true)
  reports.close()
  const all: Report[] = []
  for (let next = await reports.next(); next !== undefined; next = await reports.next()) all.push(next)
  return all
}

describe('OA-98: what is worth a report', () => {
  it('empty states and repetitions are not', async () => {
    expect(
      await sent([said(''), said('working', 'Reads', 'x'), said('working', 'Reads', 'x'), said('')]),
    ).toEqual([{ state: 'working', summary: 'Reads', link: 'x' }])
  })

  it('a message of the user is only once, and not when a later one was seen', async () => {
    const states = (
      await sent([seen('working', 2), seen('idle'), seen('working', 2), seen('working', 1)])
    ).map(({ state }) => state)
    expect(states).toEqual(['working', 'idle'])
    expect(await sent([seen('working', 2), seen('idle'), seen('working', 3)])).toHaveLength(3)
    // Seen while it told nothing new, it is old all the same.
    expect(await sent([said('working'), seen('working', 4), seen('idle'), seen('working', 4)])).toHaveLength(
      2,
    )
    expect(await sent([seen('idle'), seen('working', 0)])).toHaveLength(2)
  })

  it('that the screen moves is only at the very beginning', async () => {
    expect(await sent([seen('working'), seen('idle'), seen('working')])).toHaveLength(2)
    expect(await sent([seen('idle'), seen('working'), seen('idle')])).toHaveLength(1)
    expect(await sent([seen('idle'), said('working')])).toHaveLength(2)
  })

  it('what says nothing about the work keeps the last summary and link', async () => {
    expect(await sent([said('working', 'Reads', 'https://x'), seen('idle')])).toEqual([
      { state: 'working', summary: 'Reads', link: 'https://x' },
      { state: 'idle', summary: 'Reads', link: 'https://x' },
    ])
    expect((await sent([said('working', 'Reads', 'https://x'), said('working', 'Writes')])).at(-1)).toEqual({
      state: 'working',
      summary: 'Writes',
      link: '',
    })
  })

  it('an assistant whose screen is watched is not believed that it waits, but that it has ended', async () => {
    const states = async (hasScreen: boolean) =>
      (await sent([said('idle', 'a'), said('complete', 'b'), said('failure', 'c')], hasScreen)).map(
        ({ state }) => state,
      )
    expect(await states(true)).toEqual(['working', 'complete', 'failure'])
    expect(await states(false)).toEqual(['idle', 'complete', 'failure'])
  })

  it('no more than 512 wait', () => {
    const reports = new TaskReports(false)
    for (let count = 0; count < 512; count += 1) expect(reports.add(said('working', `${count}`))).toBe(true)
    expect(reports.add(said('working', 'one more'))).toBe(false)
    expect(reports.add(said(''))).toBe(true)
  })
})

describe('OA-98: the screen of an assistant', () => {
  it('is waited for between 1 and 30 s', () => {
    expect([1, 2, 3, 6, 7, 1_000].map(reconnectWaitMs)).toEqual([1_000, 2_000, 4_000, 30_000, 30_000, 30_000])
  })

  it('tells what the user has written and that the assistant waits, and is watched again when it is cut off', async () => {
    const streams: ServerResponse[] = []
    const paths: (string | undefined)[] = []
    const server = createServer((request, response) => {
      paths.push(request.url)
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      streams.push(response)
    }).listen(0, '127.0.0.1')
    const ended = new AbortController()
    const failures: string[] = []
    const reports = new TaskReports(true)
    try {
      await once(server, 'listening')
      const address = server.address()
      if (address === null || typeof address === 'string') throw new Error('no port')
      const watching = watchScreen(`http://127.0.0.1:${address.port}/`, reports, ended.signal, (reason) =>
        failures.push(reason),
      )
      const event = (name: string, data: object) => `event: ${name}\r\ndata: ${JSON.stringify(data)}\r\n\r\n`
      const first = await until('the watcher', () => streams[0])
      const told = event('status_change', { status: 'stable' })
      first.write(told.slice(0, 20))
      first.write(`${told.slice(20)}event: message_update\ndata: no JSON\n\n: a comment\n\n`)
      expect(await reports.next()).toMatchObject({ state: 'idle' })
      first.write(event('message_update', { id: 1, role: 'agent', message: 'Hello' }))
      first.write(event('message_update', { id: 2, role: 'user', message: 'Go on' }))
      expect(await reports.next()).toMatchObject({ state: 'working' })
      first.end()
      const second = await until('the watcher again', () => streams[1])
      second.write(event('message_update', { id: 2, role: 'user', message: 'Go on' }))
      second.write(event('status_change', { status: 'stable' }))
      expect(await reports.next()).toMatchObject({ state: 'idle' })
      expect([failures, paths]).toEqual([['it has ended the stream'], ['/events', '/events']])
      ended.abort()
      await watching
    } finally {
      ended.abort()
      server.closeAllConnections()
      server.close()
    }
  })
})
