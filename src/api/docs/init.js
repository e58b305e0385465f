/* Starts the Swagger UI on the schema that lies beside its page. */
window.addEventListener("load", function () {
	window.ui = window.SwaggerUIBundle({
		url: window.location.pathname.replace(/docs\/?$/, "schema/"),
		dom_id: "#swagger-ui",
		deepLinking: true,
		tryItOutEnabled: true,
		validatorUrl: null,
	});
});
