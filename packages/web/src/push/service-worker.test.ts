import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import vm from 'node:vm'

import { beforeEach, describe, expect, it } from 'vitest'

const ORIGIN = 'https://slipway.example'
const SOURCE = await readFile(
  fileURLToPath(new URL('../../public/service-worker.js', import.meta.url)),
  'utf8',
)

interface Shown {
  readonly title: string
  readonly options: Readonly<Record<string, unknown>>
}
interface Asked {
  readonly method: string
  readonly url: string
  readonly token: string | undefined
  readonly body: unknown
}
interface FakeClient {
  readonly url: string
  readonly focused: boolean
  readonly visibilityState: 'visible' | 'hidden'
}

/** The worker in a browser of which everything is written down. */
class Worker {
  readonly shown: Shown[] = []
  readonly opened: string[] = []
  readonly focused: string[] = []
  readonly asked: Asked[] = []
  clients: readonly FakeClient[] = []
  status = 204
  unsubscribed = 0
  /** Paths of what is kept. */
  readonly kept = new Map<string, Response>()
  /** Whether the network is gone. */
  offline = false
  subscribedWith: unknown
  readonly #listeners = new Map<string, (event: object) => void>()

  constructor() {
    const self = {
      location: { origin: ORIGIN },
      addEventListener: (type: string, listener: (event: object) => void) =>
        this.#listeners.set(type, listener),
      skipWaiting: () => undefined,
      clients: {
        matchAll: async () =>
          this.clients.map((client) => ({
            ...client,
            focus: async () => this.focused.push(client.url),
          })),
        openWindow: async (path: string) => this.opened.push(path),
      },
      registration: {
        showNotification: async (title: string, options: Readonly<Record<string, unknown>>) =>
          this.shown.push({ title, options }),
        pushManager: {
          subscribe: async (options: unknown) => {
            this.subscribedWith = options
            return this.subscription('https://push.example/again')
          },
        },
      },
    }
    const path = (request: string | { readonly url: string }) =>
      new URL(typeof request === 'string' ? request : request.url, ORIGIN).pathname
    const cache = {
      match: async (request: string | { readonly url: string }) => this.kept.get(path(request))?.clone(),
      addAll: async (paths: readonly string[]) => {
        for (const one of paths) this.kept.set(one, new Response(`kept ${one}`))
      },
      put: async (request: { readonly url: string }, response: Response) =>
        void this.kept.set(path(request), response),
      keys: async () => [...this.kept.keys()].map((one) => ({ url: ORIGIN + one })),
      delete: async (request: { readonly url: string }) => this.kept.delete(path(request)),
    }
    const caches = { open: async () => cache, match: cache.match }
    vm.runInNewContext(SOURCE, { self, URL, caches, fetch: this.#fetch })
  }

  subscription(endpoint: string) {
    return {
      endpoint,
      toJSON: () => ({ endpoint, keys: { auth: 'a', p256dh: 'p' } }),
      unsubscribe: async () => {
        this.unsubscribed += 1
      },
    }
  }

  readonly #fetch = async (
    asked: string | { readonly url: string },
    init: {
      readonly method?: string
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: string
    } = {},
  ): Promise<Response> => {
    if (this.offline) throw new TypeError('Failed to fetch')
    if (typeof asked !== 'string')
      return new Response(`served ${new URL(asked.url).pathname}`, { status: this.status })
    const url = asked
    if (url === '/agents') return new Response('<meta property="csrf-token" content="to+ke/n=" />')
    if (url === '/api/v2/buildinfo') return Response.json({ webpush_public_key: 'BKey' })
    this.asked.push({
      method: init.method ?? 'GET',
      url,
      token: init.headers?.['X-CSRF-TOKEN'],
      body: JSON.parse(init.body ?? 'null'),
    })
    return new Response(null, { status: this.status })
  }

  /** Tells it of an event, and waits for what it does. */
  async on(type: string, event: object): Promise<void> {
    let work: Promise<unknown> | undefined
    this.#listeners.get(type)?.({
      ...event,
      waitUntil: (given: Promise<unknown>) => {
        work = given
      },
    })
    await work
  }

  /** What it answers to a request of a page; undefined when the browser asks the network itself. */
  async answer(
    url: string,
    { method = 'GET', mode = 'navigate' } = {},
  ): Promise<{ readonly status: number; readonly text: string } | undefined> {
    let answer: Promise<Response> | undefined
    this.#listeners.get('fetch')?.({
      request: { url: new URL(url, ORIGIN).href, method, mode },
      preloadResponse: Promise.resolve(undefined),
      respondWith: (given: Promise<Response>) => {
        answer = given
      },
      waitUntil: () => undefined,
    })
    const response = await answer
    return response === undefined ? undefined : { status: response.status, text: await response.text() }
  }

  push(text: string): Promise<void> {
    return this.on('push', { data: { json: () => JSON.parse(text) } })
  }

  click(data: unknown): Promise<void> {
    return this.on('notificationclick', { notification: { close: () => undefined, data } })
  }
}

const MESSAGE = {
  title: 'Repair the test',
  body: 'Fixed it',
  icon: '/favicon.ico',
  tag: 'abc',
  data: { url: '/agents/1' },
}
const window = (path: string, more: Partial<FakeClient> = {}): FakeClient => ({
  url: ORIGIN + path,
  focused: true,
  visibilityState: 'visible',
  ...more,
})

let worker: Worker
beforeEach(() => {
  worker = new Worker()
})

describe('UI-1602: a push message', () => {
  it('is shown with title, text, icon and tag', async () => {
    await worker.push(JSON.stringify(MESSAGE))
    expect(worker.shown).toEqual([
      {
        title: 'Repair the test',
        options: {
          body: 'Fixed it',
          icon: '/favicon.ico',
          tag: 'abc',
          renotify: true,
          data: { url: '/agents/1' },
        },
      },
    ])
  })

  it.each([
    ['a visible window in front shows its chat', window('/agents/1?tab=files'), 0],
    ['that window is behind another one', window('/agents/1', { focused: false }), 1],
    ['that window is hidden', window('/agents/1', { visibilityState: 'hidden' }), 1],
    ['the window in front shows another chat', window('/agents/2'), 1],
  ])('while %s', async (_name, client, count) => {
    worker.clients = [client]
    await worker.push(JSON.stringify(MESSAGE))
    expect(worker.shown).toHaveLength(count)
  })

  it.each(['', 'no JSON', 'null', '[]', '{"title":1,"body":{},"tag":null,"icon":5,"data":"x"}'])(
    'of another form (%s) is shown without its text, and leads to the chats',
    async (text) => {
      await worker.push(text)
      expect(worker.shown).toEqual([
        {
          title: 'Slipway',
          options: { body: '', icon: '/favicon.ico', tag: '', renotify: false, data: { url: '/agents' } },
        },
      ])
    },
  )

  it('without any data, too', async () => {
    await worker.on('push', { data: null })
    expect(worker.shown).toHaveLength(1)
  })

  it.each([
    'https://evil.example/agents/1',
    '//evil.example/1',
    '/\\evil.example',
    'javascript:alert(1)',
    'agents',
    7,
  ])('leads nowhere else: %s', async (url) => {
    await worker.push(JSON.stringify({ ...MESSAGE, icon: url, data: { url } }))
    expect(worker.shown[0]?.options).toMatchObject({ icon: '/favicon.ico', data: { url: '/agents' } })
    await worker.click({ url })
    expect(worker.opened).toEqual(['/agents'])
  })
})

describe('UI-1602: a click', () => {
  it('opens the chat, and the list where none is named', async () => {
    worker.clients = [window('/workspaces')]
    await worker.click({ url: '/agents/1' })
    await worker.click(undefined)
    expect(worker.opened).toEqual(['/agents/1', '/agents'])
    expect(worker.focused).toEqual([])
  })

  it('goes to the window that shows the chat', async () => {
    worker.clients = [window('/workspaces'), window('/agents/1', { visibilityState: 'hidden' })]
    await worker.click({ url: '/agents/1' })
    expect(worker.opened).toEqual([])
    expect(worker.focused).toEqual([`${ORIGIN}/agents/1`])
  })
})

describe('UI-1602: a subscription that the browser has changed', () => {
  const post = (endpoint: string) => ({
    method: 'POST',
    url: '/api/v2/users/me/webpush/subscription',
    token: 'to+ke/n=',
    body: { endpoint, auth_key: 'a', p256dh_key: 'p' },
  })

  it('is told to the server, and the old one is given up', async () => {
    const oldSubscription = worker.subscription('https://push.example/1')
    const newSubscription = worker.subscription('https://push.example/2')
    await worker.on('pushsubscriptionchange', { oldSubscription, newSubscription })
    expect(worker.asked).toEqual([
      post('https://push.example/2'),
      {
        method: 'DELETE',
        url: '/api/v2/users/me/webpush/subscription',
        token: 'to+ke/n=',
        body: { endpoint: 'https://push.example/1' },
      },
    ])
  })

  it('is made again with the key of the server where there is no new one', async () => {
    await worker.on('pushsubscriptionchange', { oldSubscription: null, newSubscription: null })
    expect(worker.subscribedWith).toEqual({ userVisibleOnly: true, applicationServerKey: 'BKey' })
    expect(worker.asked).toEqual([post('https://push.example/again')])
  })

  it('ends when nobody is signed in, and stays when the server fails', async () => {
    const newSubscription = worker.subscription('https://push.example/2')
    worker.status = 503
    await worker.on('pushsubscriptionchange', { newSubscription })
    expect(worker.unsubscribed).toBe(0)
    worker.status = 401
    await worker.on('pushsubscriptionchange', { newSubscription })
    expect(worker.unsubscribed).toBe(1)
  })
})

describe('UI-1604: requests of the pages', () => {
  beforeEach(async () => {
    worker.status = 200
    await worker.on('install', {})
  })

  it.each([
    '/api/v2/users/me',
    '/oauth2/authorize?x=1',
    '/external-auth/github/callback?code=1',
    '/@ada/dev.main/apps/docs/',
    '/%40ada/dev/apps/docs/x',
    '/derp',
    '/derp/latency-check',
    '/bin/slipway',
    '/scim/v2/Users',
    '/.well-known/openid-configuration',
    'https://elsewhere.example/workspaces',
  ])('%s is none of its business', async (url) => {
    expect(await worker.answer(url)).toBeUndefined()
    expect(await worker.answer(url, { mode: 'cors' })).toBeUndefined()
  })

  it('neither is what changes something, nor files without a digest in their names', async () => {
    expect(await worker.answer('/agents', { method: 'POST' })).toBeUndefined()
    expect(await worker.answer('/icon/go.svg', { mode: 'no-cors' })).toBeUndefined()
    expect(await worker.answer('/agents', { mode: 'cors' })).toBeUndefined()
  })

  it('a page comes from the server, whatever it answers, and is never kept', async () => {
    expect(await worker.answer('/agents/1')).toEqual({ status: 200, text: 'served /agents/1' })
    worker.status = 503
    expect(await worker.answer('/@ada/dev')).toEqual({ status: 503, text: 'served /@ada/dev' })
    expect([...worker.kept.keys()]).toEqual(['/offline.html', '/offline.js'])
  })

  it('without a server another page waits for it', async () => {
    worker.offline = true
    expect(await worker.answer('/agents/1')).toEqual({ status: 200, text: 'kept /offline.html' })
    expect(await worker.answer('/offline.js', { mode: 'no-cors' })).toMatchObject({
      text: 'kept /offline.js',
    })
  })

  it('a file with a digest is kept when it is there, and is there without a server', async () => {
    const ask = () => worker.answer('/assets/frame-1a2b.js', { mode: 'cors' })
    worker.status = 404
    await ask()
    expect(worker.kept.has('/assets/frame-1a2b.js')).toBe(false)
    worker.status = 200
    await ask()
    worker.offline = true
    expect(await ask()).toEqual({ status: 200, text: 'served /assets/frame-1a2b.js' })
  })

  it('files of releases that are gone make room', async () => {
    for (let file = 0; file < 402; file++) await worker.answer(`/assets/${file}.js`, { mode: 'cors' })
    expect(worker.kept.size).toBe(402)
    expect(worker.kept.has('/assets/1.js')).toBe(false)
    expect(worker.kept.has('/offline.html')).toBe(true)
  })
})
