import { describe, expect, it } from 'vitest'

import { hidingKey, withoutKey } from './hidden-key.ts'

const KEY = 'sk-a/b+c=='

function without(said: string): string {
  return withoutKey(Buffer.from(said), KEY).toString()
}

function bodyOf(pieces: readonly string[]) {
  return {
    async *[Symbol.asyncIterator]() {
      for (const piece of pieces) yield Buffer.from(piece)
    },
    destroy: () => undefined,
  }
}

/** What is read of an answer that comes in these pieces. */
async function read(
  pieces: readonly string[],
  { status = 200, type = 'text/event-stream' }: { readonly status?: number; readonly type?: string } = {},
): Promise<string[]> {
  const shown: string[] = []
  const answer = hidingKey({ status, headers: { 'content-type': type }, body: bodyOf(pieces) }, KEY, false)
  for await (const piece of answer.body) shown.push(Buffer.from(piece).toString())
  return shown
}

describe('AG-99: a key in what a provider says', () => {
  const numbered = [...KEY].map((one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')
  it.each([
    ['as it is', KEY],
    ['with escaped slashes', 'sk-a\\/b+c=='],
    ['with numbers for what HTML knows', 'sk-a\\u002fb\\u002Bc\\u003d\\u003D'],
    ['all in numbers', numbered],
    ['in JSON within JSON', 'sk-a\\\\\\/b\\\\u002bc=='],
  ])('is hidden %s, and the rest is as it was', (_, shown) => {
    const said = `{"error":{"message":"é Incorrect key: ${shown}, see \\/keys \\u002f"}}`
    const hidden = without(said)
    expect(hidden).toBe(said.replace(shown, '*'.repeat(shown.length)))
    expect(() => JSON.parse(hidden)).not.toThrow()
  })

  it('is no part of it', () => {
    const said = '{"message":"sk-a\\/b+c= and sk-a\\u002f"}'
    expect(without(said)).toBe(said)
  })
})

describe('AG-99: a key in an error', () => {
  const stars = '*'.repeat(KEY.length)

  it('is hidden wherever the stream is cut', async () => {
    const good = 'data: {"choices":[{"delta":{"content":"é"}}]}\n\n'
    const error = `event: error\ndata: {"message":"no: ${KEY}"}\n\n`
    const stream = good + error + good
    for (let cut = 1; cut < stream.length; cut += 1)
      expect((await read([stream.slice(0, cut), stream.slice(cut)])).join('')).toBe(
        stream.replace(KEY, stars),
      )
    expect((await read([...stream.replaceAll('é', 'e')])).join('')).toBe(
      stream.replaceAll('é', 'e').replace(KEY, stars),
    )
  })

  it('is hidden in an event that is long, or does not come to its end', async () => {
    const long = 'x'.repeat(10_000)
    const failed = `data: {"type":"response.failed","x":"${long}","error":{"message":"${KEY}"}}\n\n`
    expect(await read([`data: ${long}\n\n${failed}`])).toEqual([
      `data: ${long}\n\n${failed.replace(KEY, stars)}`,
    ])
    expect(await read([`data: {"error":"${KEY}`])).toEqual([`data: {"error":"${stars}`])
  })

  it('is hidden in a refusal, which comes in pieces and may be longer than what is held', async () => {
    expect(
      (await read(['{"a":1,\n', '"b":"', 'sk-a\\', `/b+c=="}`], { status: 400, type: 'text/plain' })).join(
        '',
      ),
    ).toBe(`{"a":1,\n"b":"${stars}*"}`)
    const half = 'x'.repeat(1024 * 1024 - 5)
    const pieces = await read([half, KEY, half, KEY], { status: 500, type: 'text/html' })
    expect(pieces.join('')).toBe(half + stars + half + stars)
    expect(pieces.length).toBeGreaterThan(1)
  })

  it('AG-23: does not hold back the rest of a line that is too long', async () => {
    const long = 'x'.repeat(1024 * 1024)
    const good = [`data: ${long}`, 'y', `z${KEY}`, '\ndata: 1\n', 'data', ': 2\n']
    expect(await read(good)).toEqual([...good.slice(0, 4), 'data: 2\n'])
    const bad = ['{"error":"', long, ...'y'.repeat(500), ...KEY, 'z'.repeat(500), '"}\n']
    const shown = await read(bad, { status: 400 })
    expect(shown.join('')).toBe(bad.join('').replace(KEY, stars))
    expect(shown.length).toBeGreaterThan(400)
  })

  it.each([
    ['status', `{"id":"r","status":"failed","output":[],"error":{"message":"no: ${KEY}"}}`],
    ['error', `{"error":"no: ${KEY}"}`],
    ['choice', `{"choices":[{"message":{},"error":{"message":"no: ${KEY}"}}]}`],
    ['half', `{"choices":[{"message":"${KEY}`],
  ])('is hidden in a whole answer that has failed with status 200: %s', async (_, failed) => {
    for (const cut of [failed.length, 20, failed.length - 20])
      expect(
        await read([failed.slice(0, cut), failed.slice(cut)], { type: 'application/json; charset=utf-8' }),
      ).toEqual([failed.replace(KEY, stars)])
  })

  it('is hidden in headers, of whatever answer', () => {
    const given = {
      'content-type': 'text/plain',
      'x-said': `key ${KEY}!`,
      'x-more': ['a', KEY],
      'x-none': 'b',
    }
    const hidden = { ...given, 'x-said': `key ${stars}!`, 'x-more': ['a', stars] }
    for (const status of [200, 400])
      expect(hidingKey({ status, headers: given, body: bodyOf([]) }, KEY, false).headers).toEqual(hidden)
    // What stands for no key at all.
    const none = { status: 200, headers: { 'accept-ranges': 'none' }, body: bodyOf([]) }
    expect(hidingKey(none, 'none', false).headers).toEqual(none.headers)
  })

  it('AG-85: what is no error is not looked into', async () => {
    const whole = `{"status":"completed","error":null,"choices":[{"error":null}],"x":"${KEY}"}`
    expect(await read([whole], { type: 'application/json' })).toEqual([whole])
    const huge = ['{"x":"', 'x'.repeat(1024 * 1024), KEY, '"}']
    expect((await read(huge, { type: 'application/json' })).join('')).toBe(huge.join(''))
    const good = `data: {"choices":[{"delta":{"content":"${KEY}"}}]}\n\n`
    expect(await read([good, 'data: [DONE]\n\n'])).toEqual([good, 'data: [DONE]\n\n'])
    const long = `data: {"type":"response.completed","error":null,"x":"error ${'x'.repeat(5_000)} ${KEY}"}\n\n`
    expect(await read([long])).toEqual([long])
    expect(await read([KEY], { type: 'text/plain' })).toEqual([KEY])
  })

  describe('AG-19, AG-99: in what is only relayed', () => {
    const relayed = async (pieces: readonly string[], key = KEY, type = 'application/json') => {
      const shown: string[] = []
      const answer = { status: 200, headers: { 'content-type': type }, body: bodyOf(pieces) }
      for await (const piece of hidingKey(answer, key, true).body) shown.push(Buffer.from(piece).toString())
      return shown
    }

    it.each([KEY, 'sk-a\\/b\\u002Bc==', 'sk-a\\\\\\/b\\\\u002bc=='])(
      'is hidden wherever it is cut, and nothing else waits: %s',
      async (said) => {
        const whole = `{"id":"r","output":[],"error":{"message":"sk-a no: ${said} \\u0073 sk-"}}`
        const hidden = whole.replace(said, '*'.repeat(said.length))
        for (let cut = 1; cut < whole.length; cut += 1)
          expect((await relayed([whole.slice(0, cut), whole.slice(cut)])).join('')).toBe(hidden)
        const letters = await relayed([...whole])
        expect(letters.join('')).toBe(hidden)
        expect(letters.length).toBeGreaterThan(whole.length / 2)
        const good = ['{"a":', '[1,', ' ', `"${'x'.repeat(2 * 1024 * 1024)}"`, ']}']
        expect(await relayed(good)).toEqual(good)
        expect(await relayed([said], KEY, 'text/plain')).toEqual(['*'.repeat(said.length)])
      },
    )

    it('is hidden no more than elsewhere where it is a word, and what fails hands over all before', async () => {
      expect(await relayed(['{"a":"none"}'], 'none')).toEqual(['{"a":"none"}'])
      const body = {
        async *[Symbol.asyncIterator]() {
          yield Buffer.from('{"a":"sk-a')
          throw new Error('reset')
        },
        destroy: () => undefined,
      }
      const pieces = hidingKey({ status: 200, headers: {}, body }, KEY, true).body[Symbol.asyncIterator]()
      expect(String((await pieces.next()).value)).toBe('{"a":"')
      expect(String((await pieces.next()).value)).toBe('sk-a')
      await expect(pieces.next()).rejects.toThrow('reset')
    })
  })

  it('AG-B4: what came before a stream fails is handed over', async () => {
    const body = {
      async *[Symbol.asyncIterator]() {
        yield Buffer.from('data: {"usage":1}')
        throw new Error('reset')
      },
      destroy: () => undefined,
    }
    for (const type of ['text/event-stream', 'application/json']) {
      const answer = hidingKey({ status: 200, headers: { 'content-type': type }, body }, KEY, false)
      const pieces = answer.body[Symbol.asyncIterator]()
      expect(await pieces.next()).toMatchObject({ done: false })
      await expect(pieces.next()).rejects.toThrow('reset')
    }
  })
})
