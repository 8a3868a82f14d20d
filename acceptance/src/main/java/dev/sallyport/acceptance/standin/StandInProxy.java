package dev.sallyport.acceptance.standin;

import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.handler.ConnectHandler;
import org.eclipse.jetty.util.Callback;

/** An HTTP proxy whose tunnels to the stand-in hosts all end at the stand-ins' server; anything else is answered 502, and kept. */
final class StandInProxy extends ConnectHandler {
    private static final int MAX_KEPT = 1000;

    private final Set<String> hosts;
    private final InetSocketAddress server;
    private final Ledger ledger;
    private final List<String> refused = Collections.synchronizedList(new ArrayList<>());

    StandInProxy(Set<String> hosts, InetSocketAddress server, Ledger ledger) {
        this.hosts = Set.copyOf(hosts);
        this.server = server;
        this.ledger = ledger;
    }

    /** What was asked for and is none of the stand-ins, as {@code HOST:PORT}, in order. */
    List<String> refused() {
        return List.copyOf(refused);
    }

    @Override
    public boolean handle(Request request, Response response, Callback callback) throws Exception {
        if ("CONNECT".equals(request.getMethod())) {
            return super.handle(request, response, callback);
        }
        keep(String.valueOf(request.getHttpURI().getAuthority()));
        Response.writeError(request, response, callback, HttpStatus.BAD_GATEWAY_502, "only CONNECT leads somewhere");
        return true;
    }

    @Override
    protected void handleConnect(Request request, Response response, Callback callback, String address) {
        int colon = address.lastIndexOf(':');
        String host = colon < 0 ? address : address.substring(0, colon);
        String port = colon < 0 ? "" : address.substring(colon + 1);
        ledger.count("CONNECT " + address);
        if (ledger.has(Fault.PASSWORD)) {
            response.getHeaders().put("Proxy-Authenticate", "Basic realm=\"upstream\"");
            Response.writeError(
                    request,
                    response,
                    callback,
                    HttpStatus.PROXY_AUTHENTICATION_REQUIRED_407,
                    "this proxy wants a password");
            return;
        }
        if (!hosts.contains(host) || !port.equals("443")) {
            keep(address);
            Response.writeError(request, response, callback, HttpStatus.BAD_GATEWAY_502, "no stand-in for " + address);
        } else if (ledger.has(Fault.UNREACHABLE)) {
            Response.writeError(request, response, callback, HttpStatus.BAD_GATEWAY_502, "cannot reach " + address);
        } else {
            super.handleConnect(request, response, callback, address);
        }
    }

    @Override
    protected InetSocketAddress newConnectAddress(String host, int port) {
        return server;
    }

    private void keep(String address) {
        if (refused.size() < MAX_KEPT) {
            refused.add(address);
        }
    }
}
