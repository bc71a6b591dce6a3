// Shakes hands with JSSE as lines on standard input say; see src/matrix/peers/lines.rs.

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.lang.reflect.Method;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.TrustManagerFactory;

public final class Peer {
    private static final byte[] REQUEST = "GET / HTTP/1.0\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] ANSWER = "HTTP/1.0 200 OK\r\n\r\nserved\n".getBytes(StandardCharsets.US_ASCII);
    private static final int PATIENCE_MS = 20_000;
    private static final char[] PASSWORD = "password".toCharArray();
    private static final Map<String, String> VERSIONS = Map.of("TLSv1.2", "1.2", "TLSv1.3", "1.3");

    private static final Map<String, Integer> GROUPS = Map.of(
        "X25519MLKEM768", 0x11ec,
        "x25519", 0x001d,
        "secp256r1", 0x0017,
        "secp384r1", 0x0018,
        "secp521r1", 0x0019,
        "ffdhe2048", 0x0100,
        "ffdhe3072", 0x0101,
        "ffdhe4096", 0x0102,
        "ffdhe6144", 0x0103,
        "ffdhe8192", 0x0104);

    private final Map<String, String> job = new HashMap<>();

    private Peer(String line) {
        for (String field : line.split("\t")) {
            int at = field.indexOf('=');
            job.put(field.substring(0, at), field.substring(at + 1));
        }
    }

    public static void main(String[] arguments) throws IOException {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            try {
                new Peer(line).run();
                say("done");
            } catch (Exception error) {
                say("failed", error.toString().replaceAll("[\n\t]", " "));
            }
        }
    }

    private void run() throws Exception {
        switch (job.get("role")) {
            case "describe" -> describe();
            case "client" -> client();
            case "server" -> server();
            default -> throw new IllegalArgumentException(job.get("role"));
        }
    }

    private static void describe() throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, null, null);
        SSLParameters all = context.getSupportedSSLParameters();
        say("product", "Java " + Runtime.version().feature());
        say("suites", String.join("\t", all.getCipherSuites()));
        List<String> groups = new ArrayList<>();
        for (Map.Entry<String, Integer> group : GROUPS.entrySet()) {
            if (offers(context, group.getKey(), group.getValue())) {
                groups.add(group.getKey());
            }
        }
        say("groups", "1.3", String.join("\t", groups));
        groups.remove("X25519MLKEM768");
        say("groups", "1.2", String.join("\t", groups));
        say("certificates", "rsa2048", "rsapss", "p256", "p384", "p521", "ed25519");
    }

    /** Whether the ClientHello of a client that may use this group alone names it. */
    private static boolean offers(SSLContext context, String group, int code) throws Exception {
        SSLEngine engine = context.createSSLEngine();
        engine.setUseClientMode(true);
        SSLParameters parameters = engine.getSSLParameters();
        parameters.setProtocols(new String[] {"TLSv1.3"});
        setGroups(parameters, new String[] {group});
        engine.setSSLParameters(parameters);
        ByteBuffer hello = ByteBuffer.allocate(1 << 15);
        try {
            engine.wrap(ByteBuffer.allocate(0), hello);
        } catch (SSLException | IllegalArgumentException error) {
            return false;
        }
        // supported_groups (10) with one entry.
        byte[] extension = {0, 10, 0, 4, 0, 2, (byte) (code >> 8), (byte) code};
        String written = new String(hello.array(), 0, hello.position(), StandardCharsets.ISO_8859_1);
        return written.contains(new String(extension, StandardCharsets.ISO_8859_1));
    }

    /** {@code SSLParameters.setNamedGroups} came with Java 20. */
    private static void setGroups(SSLParameters parameters, String[] groups) throws Exception {
        Method set = SSLParameters.class.getMethod("setNamedGroups", String[].class);
        set.invoke(parameters, (Object) groups);
    }

    private SSLContext context() throws Exception {
        // Read whenever a context is made.
        String tickets = Boolean.toString(!job.get("flow").equals("session id"));
        System.setProperty("jdk.tls.client.enableSessionTicketExtension", tickets);
        System.setProperty("jdk.tls.server.enableSessionTicketExtension", tickets);

        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        trusted.setCertificateEntry("ca", certificates(job.get("ca"))[0]);
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(trusted);

        KeyStore own = KeyStore.getInstance("PKCS12");
        own.load(null, null);
        if (!job.get("certificate").isEmpty()) {
            Certificate[] chain = certificates(job.get("certificate"));
            own.setKeyEntry("own", key(job.get("key"), chain[0]), PASSWORD, chain);
        }
        KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
        keys.init(own, PASSWORD);

        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }

    private static Certificate[] certificates(String file) throws Exception {
        try (InputStream in = Files.newInputStream(Path.of(file))) {
            return CertificateFactory.getInstance("X.509").generateCertificates(in).toArray(new Certificate[0]);
        }
    }

    private static PrivateKey key(String file, Certificate certificate) throws Exception {
        String base64 = Files.readString(Path.of(file)).replaceAll("-----.*-----|\\s", "");
        KeyFactory factory = KeyFactory.getInstance(certificate.getPublicKey().getAlgorithm());
        return factory.generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(base64)));
    }

    private SSLParameters parameters(SSLParameters parameters) throws Exception {
        parameters.setProtocols(new String[] {"TLSv" + job.get("version")});
        parameters.setCipherSuites(new String[] {job.get("suite")});
        if (!job.get("groups").isEmpty()) {
            setGroups(parameters, job.get("groups").split(","));
        }
        return parameters;
    }

    private void client() throws Exception {
        SSLSocketFactory factory = context().getSocketFactory();
        Set<String> known = new HashSet<>();
        for (int i = 0; i < Integer.parseInt(job.get("connections")); i++) {
            try (Socket plain = new Socket(InetAddress.getLoopbackAddress(), Integer.parseInt(job.get("port")))) {
                plain.setSoTimeout(PATIENCE_MS);
                plain.setTcpNoDelay(true);
                SSLSocket socket = (SSLSocket) factory.createSocket(plain, job.get("host"), plain.getPort(), true);
                SSLParameters parameters = parameters(socket.getSSLParameters());
                parameters.setEndpointIdentificationAlgorithm("HTTPS");
                parameters.setServerNames(List.of(new SNIHostName(job.get("host"))));
                socket.setSSLParameters(parameters);
                socket.startHandshake();
                socket.getOutputStream().write(REQUEST);
                expect(socket.getInputStream().readAllBytes(), ANSWER);
                report(socket, known);
                socket.close();
            }
        }
    }

    private void server() throws Exception {
        SSLContext context = context();
        Set<String> known = new HashSet<>();
        InetAddress here = InetAddress.getLoopbackAddress();
        try (ServerSocket listener = context.getServerSocketFactory().createServerSocket(0, 4, here)) {
            listener.setSoTimeout(PATIENCE_MS);
            SSLServerSocket secure = (SSLServerSocket) listener;
            SSLParameters parameters = parameters(secure.getSSLParameters());
            parameters.setNeedClientAuth(job.get("client_auth").equals("true"));
            // The client's order, which begins with what the case is about.
            parameters.setUseCipherSuitesOrder(false);
            secure.setSSLParameters(parameters);
            say("listening", Integer.toString(listener.getLocalPort()));
            for (int i = 0; i < Integer.parseInt(job.get("connections")); i++) {
                try (SSLSocket socket = (SSLSocket) listener.accept()) {
                    socket.setSoTimeout(PATIENCE_MS);
                    socket.setTcpNoDelay(true);
                    socket.startHandshake();
                    expect(socket.getInputStream().readNBytes(REQUEST.length), REQUEST);
                    socket.getOutputStream().write(ANSWER);
                    report(socket, known);
                    expect(socket.getInputStream().readAllBytes(), new byte[0]);
                }
            }
        }
    }

    private static void expect(byte[] got, byte[] expected) throws IOException {
        if (!Arrays.equals(got, expected)) {
            throw new IOException("got " + new String(got, StandardCharsets.ISO_8859_1));
        }
    }

    /** JSSE does not tell whether a session was resumed, but a resumed one has the age of the first. */
    private static void report(SSLSocket socket, Set<String> known) throws Exception {
        SSLSession session = socket.getSession();
        boolean resumed = !known.add(Long.toString(session.getCreationTime()));
        String peer = "";
        try {
            X509Certificate certificate = (X509Certificate) session.getPeerCertificates()[0];
            peer = certificate.getSubjectX500Principal().getName().replaceFirst("^CN=", "");
        } catch (SSLPeerUnverifiedException none) {
            // Nobody asked it.
        }
        say(
            "connection",
            "version=" + VERSIONS.get(session.getProtocol()),
            "suite=" + session.getCipherSuite(),
            "resumed=" + resumed,
            "peer=" + peer);
        // The next session is of another millisecond.
        Thread.sleep(2);
    }

    private static void say(String... words) {
        System.out.println(String.join("\t", words));
        System.out.flush();
    }
}
