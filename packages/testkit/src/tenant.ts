import { randomBytes, randomUUID } from 'node:crypto'

import type { Database } from '@slipway/server/database/index.ts'
import { hashAgentToken } from '@slipway/server/resources/index.ts'
import { fixtures } from './fixtures/fixtures.ts'

/** What paths name, by the name of the parameter. */
export type PathNames = Readonly<Record<string, string>>

/** One object of every kind, and who they belong to. */
export interface Tenant {
  readonly ownerId: string
  readonly organizationId: string
  /** A value for every parameter of every path that means something of theirs. */
  readonly names: PathNames
  /** What the agent of their workspace signs in with. */
  readonly agentToken: string
}

/** Makes one object of every kind that a path can name, all of this user and in this organization. */
export async function makeTenant(
  { db }: Database,
  of: { readonly ownerId: string; readonly organizationId: string },
): Promise<Tenant> {
  const { ownerId, organizationId: organization_id } = of
  const file = await fixtures.file(db, { created_by: ownerId })
  const job = await fixtures.provisionerJob(db, {
    organization_id,
    initiator_id: ownerId,
    file_id: file.id,
  })
  const template = await fixtures.template(db, { organization_id, created_by: ownerId })
  const version = await fixtures.templateVersion(db, { template, created_by: ownerId, name: 'v1' })
  const dryRun = await fixtures.provisionerJob(db, {
    organization_id,
    initiator_id: ownerId,
    type: 'template_version_dry_run',
    input: JSON.stringify({ template_version_id: version.id, workspace_name: 'x' }),
  })
  const workspace = await fixtures.workspace(db, { owner_id: ownerId, template, organization_id })
  const build = await fixtures.workspaceBuild(db, { workspace, version, job })
  const agentToken = randomUUID()
  const agent = await fixtures.workspaceAgent(db, {
    resource: await fixtures.workspaceResource(db, { build }),
    auth_token_hash: hashAgentToken(agentToken),
    first_connected_at: new Date(),
    last_connected_at: new Date(),
  })
  const task = await fixtures.task(db, { workspace })
  await fixtures.taskSnapshot(db, { task })
  await fixtures.workspaceAgentPortShare(db, { workspace, agent_name: agent.name, port: 8080 })
  const role = await fixtures.customRole(db, {
    organization_id,
    name: `role-${randomBytes(4).toString('hex')}`,
  })
  const group = await fixtures.group(db, { organization_id })
  const key = await fixtures.apiKey(db, { user_id: ownerId, login_type: 'token', token_name: 'theirs' })
  // Its bytes open under no key, so it is not given to workspaces.
  const secret = await fixtures.userSecret(db, { user_id: ownerId, name: 'theirs', enabled: false })
  await fixtures.userSkill(db, { user_id: ownerId, name: 'theirs' })
  const provider = await fixtures.identityProvider(db)
  const providerTest = await fixtures.identityProviderTest(db, {
    provider: provider.name,
    created_by: ownerId,
  })
  const passkey = await fixtures.passkey(db, { user_id: ownerId })
  const app = await fixtures.oauth2ProviderApp(db)
  const appSecret = await fixtures.oauth2ProviderAppSecret(db, { app })
  const selfRegistered = await fixtures.oauth2ProviderApp(db, { dynamically_registered: true })
  const appGrant = await fixtures.oauth2ProviderGrant(db, { app, user_id: ownerId })
  const mcpServer = await fixtures.mcpServerConfig(db, { organization_id, group_acl: '{}' })
  const chatFile = await fixtures.chatFile(db, { owner_id: ownerId, organization_id })
  const modelProvider = await fixtures.aiProvider(db)
  const modelConfig = await fixtures.chatModelConfig(db, { provider: modelProvider })
  const interception = await fixtures.aibridgeInterception(db, { initiator_id: ownerId })
  const chat = await fixtures.chat(db, {
    owner_id: ownerId,
    organization_id,
    last_model_config_id: modelConfig.id,
    // Nothing is done to it by itself.
    status: 'error',
  })
  const message = await fixtures.chatMessage(db, {
    chat,
    content: JSON.stringify([{ type: 'text', text: 'x' }]),
    // Searches know it already.
    search_tsv: '',
  })
  const notification = await fixtures.inboxNotification(db, { user_id: ownerId })
  const queuedMessage = await fixtures.chatQueuedMessage(db, { chat })
  return {
    ownerId,
    organizationId: organization_id,
    agentToken,
    names: {
      user: ownerId,
      organization: organization_id,
      organizationname: organization_id,
      workspace: workspace.id,
      workspacename: workspace.name,
      workspacebuild: build.id,
      buildnumber: String(build.build_number),
      workspaceagent: agent.id,
      task: task.id,
      template: template.id,
      templatename: template.name,
      templateversion: version.id,
      templateversionname: version.name,
      group: group.id,
      groupName: group.name,
      job: job.id,
      jobID: dryRun.id,
      fileID: file.id,
      file: chatFile.id,
      chat: chat.id,
      message: String(message.id),
      queuedMessage: String(queuedMessage.id),
      session_id: interception.id,
      idOrName: modelProvider.id,
      provider: modelProvider.id,
      modelConfig: modelConfig.id,
      context: 'explore',
      keyid: key.id,
      keyname: key.token_name,
      passkey: passkey.id,
      app: app.id,
      secretID: appSecret.id,
      client_id: selfRegistered.id,
      oauth2grant: appGrant.id,
      mcpserverconfig: mcpServer.id,
      mcpServer: mcpServer.id,
      roleName: role.name,
      identityprovider: provider.name,
      providertest: providerTest.id,
      name: secret.name,
      externalauth: 'theirs',
      skillName: 'theirs',
      id: notification.id,
      notification_template: notification.template_id,
    },
  }
}
