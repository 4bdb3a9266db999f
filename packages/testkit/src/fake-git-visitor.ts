import type { Client } from '@slipway/client'
import type { FakeGitProvider } from './fake-git-provider.ts'

/** Goes to an address like the browser of somebody who is signed in, and stays where it is sent. */
export async function visit(
  client: Client,
  address: string,
  cookies = '',
): Promise<{
  readonly status: number
  readonly location: string
  readonly cookies: string
  readonly text: string
}> {
  const response = await fetch(new URL(address, client.url), {
    redirect: 'manual',
    headers: { ...client.headers, ...(cookies === '' ? {} : { Cookie: cookies }) },
  })
  return {
    status: response.status,
    location: response.headers.get('location') ?? '',
    cookies: response.headers
      .getSetCookie()
      .map((cookie) => cookie.split(';')[0] ?? '')
      .join('; '),
    text: await response.text(),
  }
}

/** Connects a user to a provider through the browser's flow; where the user is sent at the end. */
export async function connectTo(
  client: Client,
  fake: FakeGitProvider,
  { id = 'fake', redirect = '', path = 'external-auth' } = {},
): Promise<string> {
  const query = redirect === '' ? '' : `?redirect=${encodeURIComponent(redirect)}`
  const start = await visit(client, `/${path}/${id}/callback${query}`)
  if (start.status !== 307) throw new Error(`the start was answered with ${start.status}: ${start.text}`)
  const back = new URL(await fake.allow(start.location))
  const end = await visit(client, `${back.pathname}${back.search}`, start.cookies)
  if (end.status !== 307) throw new Error(`the return was answered with ${end.status}: ${end.text}`)
  return end.location
}
