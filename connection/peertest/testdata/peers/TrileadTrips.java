import com.trilead.ssh2.Connection;
import com.trilead.ssh2.Session;
import java.io.*;
import java.nio.file.*;
import java.security.MessageDigest;
import java.util.*;

/**
 * Trips of a trilead-ssh2 client; see the Go type Trips. The same with the package name of Ganymed is a client of that.
 * Key exchange and compression cannot be chosen.
 *
 * usage: TrileadTrips USER PASSWORD COMMAND INPUT TRIPS
 */
public class TrileadTrips {
	public static void main(String[] args) throws Exception {
		byte[] data = Files.readAllBytes(Path.of(args[3]));
		for (String line : Files.readAllLines(Path.of(args[4]))) {
			String[] fields = line.split("\t");
			String outcome;
			try {
				outcome = trip(args[0], args[1], args[2], data, fields);
			} catch (Exception err) {
				outcome = "error\t" + (err + " " + err.getCause()).replaceAll("[\n\t]", " ");
			}
			System.out.println(fields[0] + "\t" + outcome);
		}
		System.exit(0);
	}

	static String trip(String user, String password, String command, byte[] data, String[] fields) throws Exception {
		List<String> known = Arrays.asList(fields[7].split(","));
		Connection connection = new Connection("127.0.0.1", Integer.parseInt(fields[1]));
		if (!fields[3].equals("-")) {
			connection.setClient2ServerCiphers(new String[] {fields[3]});
			connection.setServer2ClientCiphers(new String[] {fields[3]});
		}
		if (!fields[4].equals("-")) {
			connection.setClient2ServerMACs(new String[] {fields[4]});
			connection.setServer2ClientMACs(new String[] {fields[4]});
		}
		if (!fields[5].equals("-"))
			connection.setServerHostKeyAlgorithms(new String[] {fields[5]});
		try {
			connection.connect((host, port, type, key) -> known.contains(Base64.getEncoder().encodeToString(key)), 60000, 60000);
			boolean in = fields[8].equals("-") ? connection.authenticateWithPassword(user, password)
				: connection.authenticateWithPublicKey(user, new File(fields[8]), null);
			if (!in)
				throw new IOException("not let in");
			return exec(connection.openSession(), command, data);
		} finally {
			connection.close();
		}
	}

	static String exec(Session session, String command, byte[] data) throws Exception {
		session.execCommand(command);
		session.getStdin().write(data);
		session.getStdin().close();
		MessageDigest digest = MessageDigest.getInstance("SHA-256");
		byte[] buf = new byte[32768];
		for (int n; (n = session.getStdout().read(buf)) > 0;)
			digest.update(buf, 0, n);
		while (session.getExitStatus() == null)
			Thread.sleep(1);
		return session.getExitStatus() + "\t" + HexFormat.of().formatHex(digest.digest());
	}
}
