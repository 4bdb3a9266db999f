import { cidr } from '../checks.ts'
import { groups } from '../groups.ts'
import { option } from '../option.ts'
import { bool, hostPort, list, string, url } from '../value-type.ts'

const { aiGatewayProxy } = groups

/** The HTTP proxy in front of the AI gateway (AG §19), as far as it has former names. */
export const proxyOptions = {
  aiGatewayProxyEnabled: option(bool, {
    name: 'AI Gateway Proxy Enabled',
    flag: 'ai-gateway-proxy-enabled',
    yaml: 'enabled',
    default: 'false',
    group: aiGatewayProxy,
    wire: 'ai.aibridge_proxy.enabled',
    help: 'Offer an HTTP proxy that leads requests of tools to the gateway.',
  }),
  aiGatewayProxyListenAddr: option(hostPort, {
    name: 'AI Gateway Proxy Listen Address',
    flag: 'ai-gateway-proxy-listen-addr',
    yaml: 'listen_addr',
    default: ':8888',
    group: aiGatewayProxy,
    wire: 'ai.aibridge_proxy.listen_addr',
    help: 'Address of that proxy.',
  }),
  aiGatewayProxyTlsCertFile: option(string(), {
    name: 'AI Gateway Proxy TLS Certificate File',
    flag: 'ai-gateway-proxy-tls-cert-file',
    yaml: 'tls_cert_file',
    group: aiGatewayProxy,
    wire: 'ai.aibridge_proxy.tls_cert_file',
    help: 'PEM certificate of the listener.',
  }),
  aiGatewayProxyTlsKeyFile: option(string(), {
    name: 'AI Gateway Proxy TLS Key File',
    flag: 'ai-gateway-proxy-tls-key-file',
    yaml: 'tls_key_file',
    group: aiGatewayProxy,
    wire: 'ai.aibridge_proxy.tls_key_file',
    help: 'PEM private key of that certificate.',
  }),
  aiGatewayProxyCertFile: option(string(), {
    name: 'AI Gateway Proxy MITM CA Certificate File',
    flag: 'ai-gateway-proxy-cert-file',
    yaml: 'cert_file',
    group: aiGatewayProxy,
    wire: 'ai.aibridge_proxy.cert_file',
    help: 'PEM certificate of the authority that signs certificates of providers.',
  }),
  aiGatewayProxyKeyFile: option(string(), {
    name: 'AI Gateway Proxy MITM CA Key File',
    flag: 'ai-gateway-proxy-key-file',
    yaml: 'key_file',
    group: aiGatewayProxy,
    wire: 'ai.aibridge_proxy.key_file',
    help: 'PEM private key of that authority.',
  }),
  aiGatewayProxyUpstream: option(url('http', 'https'), {
    name: 'AI Gateway Proxy Upstream Proxy',
    flag: 'ai-gateway-proxy-upstream',
    yaml: 'upstream_proxy',
    group: aiGatewayProxy,
    wire: 'ai.aibridge_proxy.upstream_proxy',
    help: 'Proxy for everything that is not for a model provider.',
  }),
  aiGatewayProxyUpstreamCa: option(string(), {
    name: 'AI Gateway Proxy Upstream Proxy CA',
    flag: 'ai-gateway-proxy-upstream-ca',
    yaml: 'upstream_proxy_ca',
    group: aiGatewayProxy,
    wire: 'ai.aibridge_proxy.upstream_proxy_ca',
    help: 'PEM file of the authority of that proxy.',
  }),
  aiGatewayProxyAllowedPrivateCidrs: option(list(cidr), {
    name: 'AI Gateway Proxy Allowed Private CIDRs',
    flag: 'ai-gateway-proxy-allowed-private-cidrs',
    yaml: 'allowed_private_cidrs',
    group: aiGatewayProxy,
    wire: 'ai.aibridge_proxy.allowed_private_cidrs',
    help: 'Private address ranges that may be reached through it.',
  }),
  aiGatewayProxyDomainAllowlist: option(list(), {
    name: 'AI Gateway Proxy Domain Allowlist',
    flag: 'ai-gateway-proxy-domain-allowlist',
    yaml: 'domain_allowlist',
    hidden: true,
    group: aiGatewayProxy,
    wire: 'ai.aibridge_proxy.domain_allowlist',
    inert: 'the model providers name their hosts',
    help: 'Hosts whose requests are led to the gateway.',
  }),
  aiGatewayProxyDumpDir: option(string(), {
    name: 'AI Gateway Proxy API Dump Directory',
    flag: 'ai-gateway-proxy-dump-dir',
    yaml: 'api_dump_dir',
    hidden: true,
    group: aiGatewayProxy,
    wire: 'ai.aibridge_proxy.api_dump_dir',
    help: 'Folder for recordings of requests, for finding faults.',
  }),
}

/** Where the proxy leads; it never had another name. */
export const aiGatewayProxyTarget = option(url('http', 'https'), {
  name: 'AI Gateway Proxy Target',
  flag: 'ai-gateway-proxy-target',
  yaml: 'target',
  group: aiGatewayProxy,
  wire: 'ai.aibridge_proxy.target',
  help: 'Gateway that the proxy leads to, when it is not the one of the access URL.',
})
