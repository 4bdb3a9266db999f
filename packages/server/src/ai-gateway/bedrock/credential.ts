import { type ModelProvider, maskSecret } from '../../ai-providers/index.ts'
import { GatewayError } from '../exchange/gateway-error.ts'
import type { Credential } from '../keys/credentials.ts'
import { type AwsCredentials, AwsCredentialsError } from './aws-credentials.ts'
import { type AwsKeys, signedHeaders } from './aws-keys.ts'

/** Shown where the environment of the server has the keys (AG-49). */
const CHAIN_HINT = '<aws chain>'

/**
 * The signature that AWS asks for (AG-47, AG-48); undefined for providers outside of it. Signing throws GatewayError 502
 * when there are no keys to sign with.
 */
export function bedrockCredential(aws: AwsCredentials, provider: ModelProvider): Credential | undefined {
  const { bedrock } = provider
  if (bedrock === undefined) return undefined
  return {
    kind: 'centralized',
    hint: bedrock.accessKey === '' ? CHAIN_HINT : maskSecret(bedrock.accessKey),
    key: undefined,
    sign: async (request) =>
      signedHeaders(request, await keysOf(aws, provider), {
        service: bedrock.protocol === 'mantle' ? 'bedrock-mantle' : 'bedrock',
        region: aws.regionOf(provider),
      }),
  }
}

async function keysOf(aws: AwsCredentials, provider: ModelProvider): Promise<AwsKeys> {
  try {
    return await aws.keysFor(provider)
  } catch (error) {
    if (!(error instanceof AwsCredentialsError)) throw error
    throw new GatewayError(502, 'provider_error', error.message, { cause: error })
  }
}
