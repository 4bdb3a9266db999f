import { createHash, randomUUID } from 'node:crypto'

import type { AIExportFormat } from '@slipway/contract'
import type { AwsCredentials } from '../bedrock/aws-credentials.ts'
import { type AwsKeys, signedHeaders } from '../bedrock/aws-keys.ts'
import { webhookHeaders } from '../guardrails/signed-webhook.ts'
import { at, count, list, text } from '../wires/json.ts'

/** Ended interceptions that are sent together, and where they go. */
export interface ExportBatch {
  readonly format: AIExportFormat
  /** Absolute, http or https. */
  readonly url: string
  /** Undefined without one. */
  readonly secret: string | undefined
  readonly documents: readonly Readonly<Record<string, unknown>>[]
  readonly deploymentId: string
  readonly now: Date
}

/** A batch as its destination takes it. */
export interface ExportRequest {
  readonly method: 'POST' | 'PUT'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * The request that brings a batch to its destination (AG-B23): JSON to a webhook, log records to a collector of
 * OpenTelemetry (OTLP over HTTP, as JSON), or an object to a bucket of S3. The same batch is the same object.
 *
 * @throws AwsCredentialsError for a bucket, without keys to sign with; Error for a secret that is none of S3.
 */
export async function exportRequest(batch: ExportBatch, aws: AwsCredentials): Promise<ExportRequest> {
  switch (batch.format) {
    case 'json': {
      const body = asJson(batch, randomUUID())
      return {
        method: 'POST',
        url: batch.url,
        headers: webhookHeaders(body, batch.secret, batch.now),
        body,
      }
    }
    case 'otlp':
      return {
        method: 'POST',
        url: batch.url,
        headers: {
          'content-type': 'application/json',
          ...(batch.secret === undefined ? {} : { authorization: `Bearer ${batch.secret}` }),
        },
        body: JSON.stringify(asLogs(batch)),
      }
    case 's3':
      return toBucket(batch, aws)
  }
}

function asJson({ deploymentId, documents }: ExportBatch, id: string): string {
  return JSON.stringify({
    type: 'ai_gateway.interceptions',
    id,
    deployment_id: deploymentId,
    interceptions: documents,
  })
}

function asLogs({ deploymentId, documents, now }: ExportBatch): object {
  return {
    resourceLogs: [
      {
        resource: { attributes: attributes({ 'service.name': 'coderd', 'deployment.id': deploymentId }) },
        scopeLogs: [
          { scope: { name: 'ai-gateway' }, logRecords: documents.map((document) => logOf(document, now)) },
        ],
      },
    ],
  }
}

function logOf(document: Readonly<Record<string, unknown>>, now: Date): object {
  const failed = text(document.error_type)
  const usages = list(document.token_usages)
  const total = (name: string): number =>
    usages.reduce<number>((sum, usage) => sum + count(at(usage, name)), 0)
  return {
    timeUnixNano: nanoseconds(new Date(text(document.ended_at))),
    observedTimeUnixNano: nanoseconds(now),
    severityNumber: failed === '' ? 9 : 17,
    severityText: failed === '' ? 'INFO' : 'ERROR',
    eventName: 'ai_gateway.interception',
    body: { stringValue: JSON.stringify(document) },
    attributes: attributes({
      interception_id: text(document.id),
      'user.id': text(at(document.initiator, 'id')),
      'user.name': text(at(document.initiator, 'username')),
      'gen_ai.provider.name': text(document.provider_name),
      'gen_ai.request.model': text(document.model),
      'gen_ai.usage.input_tokens':
        total('input_tokens') + total('cache_read_input_tokens') + total('cache_write_input_tokens'),
      'gen_ai.usage.output_tokens': total('output_tokens'),
      ...(failed === '' ? {} : { 'error.type': failed }),
    }),
  }
}

function attributes(values: Readonly<Record<string, string | number>>): readonly object[] {
  return Object.entries(values).map(([key, value]) => ({
    key,
    // Integers are texts in the JSON of OTLP.
    value: typeof value === 'string' ? { stringValue: value } : { intValue: String(value) },
  }))
}

function nanoseconds(time: Date): string {
  return `${time.getTime()}000000`
}

async function toBucket(batch: ExportBatch, aws: AwsCredentials): Promise<ExportRequest> {
  const { documents } = batch
  const id = createHash('sha256')
    .update(documents.map((document) => text(document.id)).join(' '))
    .digest('hex')
    .slice(0, 32)
  const body = asJson(batch, id)
  const day = text(documents[0]?.ended_at).slice(0, 10).replaceAll('-', '/')
  const url = new URL(batch.url)
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${day}/${id}.json`
  const region = /(?:^|[.-])s3[.-](?:dualstack\.)?([a-z0-9-]+)\.amazonaws\.com$/.exec(url.hostname)?.[1] ?? ''
  const target = {
    id: 'export',
    baseUrl: batch.url,
    bedrock: { ...NO_SETTINGS, ...keysIn(batch.secret), region },
  }
  const headers = {
    'content-type': 'application/json',
    'x-amz-content-sha256': createHash('sha256').update(body).digest('hex'),
  }
  const keys: AwsKeys = await aws.keysFor(target)
  const signed = await signedHeaders({ method: 'PUT', url, headers, body: Buffer.from(body) }, keys, {
    service: 's3',
    region: aws.regionOf(target),
  })
  return { method: 'PUT', url: url.href, headers: signed, body }
}

const NO_SETTINGS = {
  model: '',
  smallFastModel: '',
  accessKey: '',
  accessKeySecret: '',
  roleArn: '',
  externalId: '',
  protocol: 'invoke-model',
} as const

/** An access key and its secret; without them the environment of the server has keys. */
function keysIn(secret: string | undefined): {
  readonly accessKey?: string
  readonly accessKeySecret?: string
} {
  if (secret === undefined) return {}
  const colon = secret.indexOf(':')
  if (colon < 1) throw new Error('the secret of an export to S3 is an access key, a colon and its secret')
  return { accessKey: secret.slice(0, colon), accessKeySecret: secret.slice(colon + 1) }
}
