import pg from 'pg'

/** The same server, another database. */
export function withDatabase(url: string, name: string): string {
  const copy = new URL(url)
  copy.pathname = `/${name}`
  return copy.href
}

/** Connects for as long as `use` takes. */
export async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

/** A handful is enough for the test of one process that makes several databases at once. */
const MOST_ADMINS = 3
const admins = new Map<string, pg.Pool>()

/**
 * Uses a connection of this process to the server itself, which stays for the next database that a test makes or gives
 * back. It keeps nobody from ending: it goes with the process.
 */
export async function withAdmin<T>(url: string, use: (client: pg.ClientBase) => Promise<T>): Promise<T> {
  let pool = admins.get(url)
  if (pool === undefined) {
    pool = new pg.Pool({ connectionString: url, max: MOST_ADMINS, allowExitOnIdle: true })
    // One that ends while nobody uses it is replaced.
    pool.on('error', () => undefined)
    admins.set(url, pool)
  }
  const client = await pool.connect()
  try {
    return await use(client)
  } finally {
    client.release()
  }
}
