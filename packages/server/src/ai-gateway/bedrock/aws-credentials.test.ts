import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import { until } from '@slipway/testkit'
import type { ModelProvider } from '../../ai-providers/index.ts'
import { FakeAws, stsAnswer } from './aws.fixture.ts'
import { AwsCredentials } from './aws-credentials.ts'

let aws: FakeAws
let folder: string

beforeAll(async () => {
  aws = await FakeAws.start()
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-aws-'))
})
afterAll(async () => {
  await aws[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})
afterEach(() => {
  aws.requests.length = 0
})

const provider = (bedrock: Partial<ModelProvider['bedrock']> = {}): ModelProvider => ({
  id: 'p',
  name: 'p',
  type: 'bedrock',
  family: 'anthropic',
  displayName: '',
  icon: '',
  baseUrl: 'https://bedrock-runtime.ap-south-1.amazonaws.com',
  enabled: true,
  status: 'enabled',
  statusDetail: '',
  keys: [],
  bedrock: {
    region: '',
    model: 'm',
    smallFastModel: 's',
    accessKey: '',
    accessKeySecret: '',
    roleArn: '',
    externalId: '',
    protocol: 'invoke-model',
    ...bedrock,
  },
})
const HOUR = 3_600_000
const file = async (name: string, content: string): Promise<string> => {
  const written = path.join(folder, name)
  await writeFile(written, content)
  return written
}
const chain = (environment: Record<string, string>, now = () => new Date()) =>
  new AwsCredentials(now, { AWS_SHARED_CREDENTIALS_FILE: '/nonexistent', HOME: folder, ...environment })
const metadata = (accessKeyId: string, expiration: Date) => ({
  body: JSON.stringify({
    AccessKeyId: accessKeyId,
    SecretAccessKey: 'secret',
    Token: 'token',
    Expiration: expiration.toISOString(),
  }),
})

describe('AG-49: where keys come from', () => {
  it('a file of the tools of AWS, by its profile', async () => {
    const AWS_SHARED_CREDENTIALS_FILE = await file(
      'credentials',
      '[default]\naws_access_key_id = A\naws_secret_access_key = B\n[other]\naws_access_key_id=C\naws_secret_access_key=D\naws_session_token=E\n',
    )
    expect(await chain({ AWS_SHARED_CREDENTIALS_FILE }).keysFor(provider())).toMatchObject({
      accessKeyId: 'A',
      secretAccessKey: 'B',
    })
    const other = chain({ AWS_SHARED_CREDENTIALS_FILE, AWS_PROFILE: 'other' })
    expect(await other.keysFor(provider())).toMatchObject({ accessKeyId: 'C', sessionToken: 'E' })
  })

  it('the token of a pod, and a role on top of that', async () => {
    const credentials = chain({
      AWS_WEB_IDENTITY_TOKEN_FILE: await file('token', 'of-the-pod\n'),
      AWS_ROLE_ARN: 'arn:aws:iam::1:role/pod',
      AWS_ENDPOINT_URL_STS: aws.url,
    })
    aws.answer = ({ body }) => {
      const action = new URLSearchParams(body).get('Action') ?? ''
      return stsAnswer(action, action === 'AssumeRole' ? 'ROLE' : 'POD', new Date(Date.now() + HOUR))
    }
    const keys = await credentials.keysFor(provider({ roleArn: 'arn:aws:iam::1:role/models' }))
    expect(keys).toMatchObject({ accessKeyId: 'ROLE', sessionToken: 'token of ROLE' })
    const [first, second] = aws.requests
    expect(Object.fromEntries(new URLSearchParams(first?.body))).toMatchObject({
      Action: 'AssumeRoleWithWebIdentity',
      WebIdentityToken: 'of-the-pod',
      RoleArn: 'arn:aws:iam::1:role/pod',
    })
    expect(second?.headers['x-amz-security-token']).toBe('token of POD')
    expect(second?.headers.authorization).toContain('/ap-south-1/sts/')
  })

  it('the container, with what authorizes it', async () => {
    aws.answer = ({ headers }) =>
      headers.authorization === 'secret'
        ? metadata('CONTAINER', new Date(Date.now() + HOUR))
        : { status: 401, body: '' }
    const credentials = chain({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${aws.url}/keys`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'secret',
    })
    expect(await credentials.keysFor(provider())).toMatchObject({
      accessKeyId: 'CONTAINER',
      sessionToken: 'token',
    })
    const elsewhere = chain({ AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://example.com/keys' })
    await expect(elsewhere.keysFor(provider())).rejects.toThrow('must lead to this machine or use https')
  })

  it('the machine, through a session of its metadata service', async () => {
    aws.answer = ({ method, path: at, headers }) => {
      if (method === 'PUT' && at === '/latest/api/token') return { body: 'session' }
      if (headers['x-aws-ec2-metadata-token'] !== 'session') return { status: 401, body: '' }
      if (at === '/latest/meta-data/iam/security-credentials/') return { body: 'of-the-machine\n' }
      return metadata(at.split('/').at(-1) ?? '', new Date(Date.now() + HOUR))
    }
    const credentials = chain({ AWS_EC2_METADATA_SERVICE_ENDPOINT: aws.url })
    expect(await credentials.keysFor(provider())).toMatchObject({ accessKeyId: 'of-the-machine' })
    await expect(chain({ AWS_EC2_METADATA_DISABLED: 'true' }).keysFor(provider())).rejects.toThrow(
      'there are no credentials of AWS',
    )
  })
})

describe('AG-49: how long keys are kept', () => {
  it('until shortly before they end, and to their end when there are no others', async () => {
    let now = Date.now()
    const end = now + HOUR
    let up = true
    aws.answer = () => (up ? metadata(`K${aws.requests.length}`, new Date(end)) : { status: 500, body: '' })
    const credentials = chain({ AWS_CONTAINER_CREDENTIALS_FULL_URI: aws.url }, () => new Date(now))
    const id = async () => (await credentials.keysFor(provider())).accessKeyId
    expect([await id(), await id()]).toEqual(['K1', 'K1'])
    now = end - 4 * 60_000
    up = false
    // Nobody waits for those that take their place.
    expect(await id()).toBe('K1')
    await until('the refusal', () => aws.requests.length === 2)
    up = true
    await until('new keys', async () => (await id()) === 'K3')
    up = false
    now = end + 1
    await expect(id()).rejects.toThrow('the credentials of AWS cannot be resolved')
  })
})
