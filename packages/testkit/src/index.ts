export { createTestDatabase, openDatabase, type TestDatabase, withDatabase } from './postgres.ts'
export { PASSWORD, startTestServer, type TestServer, type TestServerOptions } from './server.ts'
export { until } from './until.ts'
