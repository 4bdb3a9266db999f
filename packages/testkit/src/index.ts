export { accessibilityFaults } from './accessibility.ts'
export { DESKTOP, openBrowser, PHONE, type TestBrowser, type WatchedPage } from './browser.ts'
export { withDatabase } from './databases/connections.ts'
export { endWorkspaces } from './end-workspaces.ts'
export { FakeAuthorizationServer } from './fake-authorization-server.ts'
export { FakeGitProvider } from './fake-git-provider.ts'
export { connectTo, visit } from './fake-git-visitor.ts'
export { FakeGithub, GITHUB_CLIENT, type GithubPerson } from './fake-github.ts'
export { IDP_CLIENT, IdentityProvider } from './fake-idp.ts'
export { CookieBrowser, type Visited } from './fake-idp-browser.ts'
export { OidcDeployment } from './fake-idp-deployment.ts'
export { FakeMailServer } from './fake-mail-server.ts'
export { FakeMcpServer } from './fake-mcp-server.ts'
export { FakeModelProvider } from './fake-model-provider.ts'
export { FakeValkey } from './fake-valkey.ts'
export { fixtures } from './fixtures/fixtures.ts'
export type { ModelRequest } from './model-provider/model-request.ts'
export { callsTools, Gate, rateLimited, says, type ToolCall, type Turn } from './model-provider/turn.ts'
export {
  createTestDatabase,
  databaseAddress,
  openDatabase,
  type TestDatabase,
} from './postgres.ts'
export { refusal, SecondFactorAccounts } from './second-factor-accounts.ts'
export { SEED } from './seed.ts'
export {
  PASSWORD,
  startTestServer,
  type TestServer,
  type TestServerOptions,
} from './server.ts'
export { freePort, type ServerProcess, startServerProcess } from './server-process.ts'
export { SoftwareAuthenticator } from './software-authenticator.ts'
export { taskTemplate } from './task-template.ts'
export { importTemplate } from './template.ts'
export { makeTenant, type PathNames, type Tenant } from './tenant.ts'
export { totpCode } from './totp-code.ts'
export { until } from './until.ts'
