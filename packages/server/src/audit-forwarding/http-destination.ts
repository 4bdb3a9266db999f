import { createHash } from 'node:crypto'

import { type Destination, forwarded } from './destination.ts'

/**
 * An address that takes entries as lines of JSON (`application/x-ndjson`), several in one POST, and says 2xx when it has
 * kept them. It is the operator's, so that it may be on this machine or in this network.
 *
 * @param token sent as a bearer token; where it is empty, the name and the password of the address are sent.
 */
export function httpDestination(address: string, token: string): Destination {
  const url = new URL(address)
  const basic = [url.username, url.password].map(decodeURIComponent).join(':')
  const authorization =
    token !== ''
      ? `Bearer ${token}`
      : basic === ':'
        ? undefined
        : `Basic ${Buffer.from(basic).toString('base64')}`
  url.username = ''
  url.password = ''
  return {
    kind: 'http',
    // Many collectors take their key in the path or the query.
    name: `${url.origin}/#${createHash('sha256').update(`${url.pathname}${url.search}`).digest('hex').slice(0, 16)}`,
    async send(entries, signal) {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/x-ndjson',
          ...(authorization === undefined ? {} : { Authorization: authorization }),
        },
        body: entries.map((entry) => `${JSON.stringify(forwarded(entry))}\n`).join(''),
        // Whoever is sent on has not kept anything.
        redirect: 'manual',
        signal,
      })
      await response.body?.cancel()
      if (!response.ok) throw new Error(`it answered ${response.status}`)
    },
  }
}
