import { autoOrCount, encryptionKey, postgresUrl } from '../checks.ts'
import { option } from '../option.ts'
import { bool, duration, folder, int, list, oneOf, string } from '../value-type.ts'

const POSTGRES_AUTH = ['password', 'awsiamrds'] as const

/** The configuration itself, the database, folders and keys. */
export const storageOptions = {
  configPath: option(string(), {
    name: 'Config Path',
    flag: 'config',
    shorthand: 'c',
    env: 'CODER_CONFIG_PATH',
    wire: 'config',
    help: 'YAML file with options. Flags and variables override it.',
  }),
  writeConfig: option(bool, {
    name: 'Write Config',
    flag: 'write-config',
    env: false,
    default: 'false',
    instruction: true,
    wire: 'write_config',
    help: 'Print the effective configuration as YAML, without secrets, and stop.',
  }),
  debugOptions: option(bool, {
    name: 'Debug Options',
    flag: 'debug-options',
    env: false,
    default: 'false',
    instruction: true,
    help: 'Print every option with its value and where that came from, without secrets, and stop.',
  }),
  configDir: option(folder, {
    name: 'Global Config',
    flag: 'global-config',
    env: 'CODER_CONFIG_DIR',
    help: 'Folder of the embedded database and other local state. Unless set it is /var/lib/slipway for root, else slipway under the configuration folder of the account.',
  }),
  cacheDir: option(folder, {
    name: 'Cache Directory',
    flag: 'cache-dir',
    env: 'CODER_CACHE_DIRECTORY',
    yaml: 'cacheDir',
    default: '~/.cache/slipway',
    wire: 'cache_directory',
    help: 'Scratch folder that may be emptied between starts. Under systemd its CACHE_DIRECTORY is used.',
  }),
  ephemeral: option(bool, {
    name: 'Ephemeral Deployment',
    flag: 'ephemeral',
    yaml: 'ephemeralDeployment',
    default: 'false',
    hidden: true,
    wire: 'ephemeral_deployment',
    help: 'Keep local state in a temporary folder that is removed at exit.',
  }),
  postgresUrl: option(string(postgresUrl), {
    name: 'Postgres Connection URL',
    flag: 'postgres-url',
    env: 'CODER_PG_CONNECTION_URL',
    secret: true,
    wire: 'pg_connection_url',
    help: 'PostgreSQL 13 or newer to use. Without it the server runs one of its own.',
  }),
  postgresAuth: option(oneOf(...POSTGRES_AUTH), {
    name: 'Postgres Auth',
    choices: POSTGRES_AUTH,
    flag: 'postgres-auth',
    env: 'CODER_PG_AUTH',
    yaml: 'pgAuth',
    default: 'password',
    wire: 'pg_auth',
    help: 'How the server signs in at the database.',
  }),
  postgresMaxOpen: option(int(1), {
    name: 'Postgres Connection Max Open',
    flag: 'postgres-conn-max-open',
    env: 'CODER_PG_CONN_MAX_OPEN',
    yaml: 'pgConnMaxOpen',
    default: '10',
    wire: 'pg_conn_max_open',
    help: 'Connections to the database at most; requests wait for a free one.',
  }),
  postgresMaxIdle: option(string(autoOrCount), {
    name: 'Postgres Connection Max Idle',
    flag: 'postgres-conn-max-idle',
    env: 'CODER_PG_CONN_MAX_IDLE',
    yaml: 'pgConnMaxIdle',
    default: 'auto',
    wire: 'pg_conn_max_idle',
    help: 'Unused connections that are kept open; auto is a third of the most.',
  }),
  externalTokenEncryptionKeys: option(list(encryptionKey), {
    name: 'External Token Encryption Keys',
    flag: 'external-token-encryption-keys',
    secret: true,
    wire: 'external_token_encryption_keys',
    help: 'Keys of 32 bytes in base64 that protect stored secrets. The first one encrypts, all of them decrypt.',
  }),
  shutdownDelay: option(duration, {
    name: 'Shutdown Delay',
    flag: 'shutdown-delay',
    default: '0s',
    help: 'How long the server still answers, while it reports that it is not ready, before it stops.',
  }),
}
