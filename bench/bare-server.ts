// A Fastify server with one route: the baseline of the request benches. Reads what to serve from its variables.
import fastify from 'fastify'
import pg from 'pg'

const server = fastify()
const { BODY, SQL, PARAMETERS, DATABASE } = process.env
if (BODY !== undefined) {
  const body: unknown = JSON.parse(BODY)
  server.get('/', async () => body)
  server.post('/', async () => body)
}
if (SQL !== undefined && DATABASE !== undefined) {
  const pool = new pg.Pool({ connectionString: DATABASE, max: 10 })
  const values: unknown[] = JSON.parse(PARAMETERS ?? '[]')
  server.get('/', async () => (await pool.query({ name: 'bare', text: SQL, values })).rows)
}
console.log(await server.listen({ host: '127.0.0.1', port: 0 }))
