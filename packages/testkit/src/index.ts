export { DESKTOP, openBrowser, PHONE, type TestBrowser, type WatchedPage } from './browser.ts'
export { endWorkspaces } from './end-workspaces.ts'
export { fixtures } from './fixtures/fixtures.ts'
export { createTestDatabase, openDatabase, type TestDatabase, withDatabase } from './postgres.ts'
export {
  PASSWORD,
  startTestServer,
  type TestServer,
  type TestServerOptions,
} from './server.ts'
export { freePort, type ServerProcess, startServerProcess } from './server-process.ts'
export { importTemplate } from './template.ts'
export { until } from './until.ts'
