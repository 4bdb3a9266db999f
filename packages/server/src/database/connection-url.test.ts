import pg from 'pg'
import { expect, it } from 'vitest'

import { connectionConfig } from './connection-url.ts'

it.each([
  'plain',
  'with:colon',
  'with@at',
  'with/slash',
  'with#hash',
  'with?mark',
  'with[bracket]',
  '100%',
  '%',
  'all:/?#[]@!$&% of them',
])('OP-42: the password %s needs no percent-encoding', (password) => {
  const client = new pg.Client(connectionConfig(`postgres://coder:${password}@db.test:5433/coder`))
  expect(client).toMatchObject({ user: 'coder', password, host: 'db.test', port: 5433, database: 'coder' })
})

it('OP-42: an encoded password stays what it is', () => {
  const client = new pg.Client(connectionConfig('postgresql://coder:a%2Fb%40c@db.test/coder?sslmode=disable'))
  expect(client).toMatchObject({ password: 'a/b@c', host: 'db.test', ssl: false })
})

it.each(['mysql://a:secret@b/c', 'postgres://a:secret@b:not-a-port/c', 'secret'])(
  'OP-41: the refusal of %s does not repeat it',
  (url) => {
    expect(() => connectionConfig(url)).toThrow(/postgres-url/)
    expect(() => connectionConfig(url)).not.toThrow(/secret/)
  },
)
